import { looksRandom } from '../keys/randomness.js';
import { endOf } from '../keys/scan.js';
import { SECRET, SUSPECT } from '../names.js';
import type { Policy } from '../policy.js';
import { isExpression, isIdentifier, isPath } from './code.js';
import { isDescription, isHarmlessObject, isHarmlessValue, isNoValue, isPlaceholder, isTemplate } from './harmless.js';
import type { JudgedPlace, Name } from './name.js';
import { expressionOfKinds, isSecretLike, withoutMarks } from './words.js';

/** Where a value stands. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

/** Operators and blanks, and marks of Markdown or an end of an element of HTML that follow a name: `**Password:** x`, `<b>Password:</b> x`. */
const BEFORE_VALUE =
  /[:=>]{0,2}[ \t\u00a0\u3000]*(?:[*_~]{1,3}[ \t]+|<\/[A-Za-z][^<>]{0,20}>[ \t]*(?:<(?:code|b|strong|em|i|tt|kbd|span)>)?)?/y;
const OPERATOR_AND_LINES = /[:=>]{0,2}\s*/y;
/** A text of several lines in YAML begins in the next line: `password: |`. */
const BLOCK = /[|>][-+]?\d?[ \t]*\r?\n[ \t]+(?=\S)/y;
/** Letters and marks before the quote of a string: `b"x"`, `@"x"`, `N'x'`. */
const STRING_PREFIX = /(?:[bBrRfFuULN]{1,2}|[@$]{1,2})(?=["'])/y;
/** Also the quotes of several lines, and those that CSV doubles. */
const OPENING_QUOTE = /\\*(?:"{3}|'{3}|""(?=[^\s"',;)}\]])|["'`“«„「])/y;
/** Headers whose values are many words long. */
const WHOLE_LINE_NAME = /authorization$|cookie2?$/i;
const REST_OF_LINE = /(?:[^\r\n\\]+|\\(?![nr]))+/y;
const REST_OF_QUOTED_LINE = /(?:[^\r\n"'`\\]+|\\(?![nr"'`]))+/y;
/** `Server=db;Password=correct horse;Database=x`: a value ends at the semicolon only. */
const CONNECTION_VALUE = /\{[^}]*\}?|[^;"'`\r\n]+/y;
/**
 * Commas and closing brackets belong to a bare value where something follows them at once, `&` and `;` where no further key, character
 * of HTML, call or command follows.
 */
const BARE_VALUE =
  /(?![&;])(?:[^\s"'`&;,)\]}<>\\]+|[,)\]}](?![\s"'`,;.)\]}\\]|$)|(?:&(?!(?:[A-Za-z]{2,8}|#x?[\da-fA-F]{2,6});)|;)(?=[^\s&;"'`])(?!(?:amp;)?[\w.%[\]-]{1,40}[=:(])|\\(?!["'`]))+/y;
const SCHEME = /(?:bearer|basic|digest|token|apikey|negotiate)[ \t]+(?=\S)/iy;
const EQUALS = 61;
const LONGEST_JUDGED = 300;

/** Where the value after a separator stands; `undefined` if there is none, or none that could be a secret. */
export function findValue(text: string, separator: number, place: JudgedPlace, policy: Policy): Span | undefined {
  const { kind, name } = place;
  // `${NAME:?it is not set}` of a shell
  if (text[separator + 1] === '?' && text.startsWith('${', name.start - 2)) return undefined;
  // After a name in quotes the value may stand in the next line; after a bare one that line is something else.
  const gapEnd = endOf(name.isQuoted ? OPERATOR_AND_LINES : BEFORE_VALUE, text, separator + 1);
  const start = endOf(STRING_PREFIX, text, endOf(BLOCK, text, gapEnd));
  const isComparison = text.charCodeAt(separator) === EQUALS && text.charCodeAt(separator + 1) === EQUALS;
  const quoteEnd = endOf(OPENING_QUOTE, text, start);
  if (quoteEnd > start) {
    const quote = text.slice(start, quoteEnd);
    // `input("Password: ")`: the quote that closes what the name stands in.
    if (!name.isQuoted && isClosingQuote(text, name, quote, quoteEnd)) return undefined;
    const end = closingQuote(text, quote, quoteEnd);
    if (end === quoteEnd || (isComparison && !isSecretLike(text.slice(quoteEnd, end)))) return undefined;
    return { start: quoteEnd, end, isQuoted: true };
  }
  const isSpaced = start > separator + 1;
  if (text[start] === '[' || (text[start] === '{' && name.isQuoted)) {
    if (kind !== SECRET || text[start + 1] === '{') return undefined;
    const end = closingBracket(text, start);
    const found = text.slice(start, end);
    return isListOfWords(found) || isHarmlessObject(found) ? undefined : { start, end, isQuoted: false };
  }
  // The names inside of an object in code or YAML speak for themselves.
  if (text[start] === '{' && (isSpaced || text[separator] === ':')) return undefined;
  return WHOLE_LINE_NAME.test(name.text)
    ? restOfLine(text, separator, start, name)
    : findBareValue(text, separator, start, place, policy, isComparison);
}

const LONGEST_LINE_BEFORE = 80;
/** Also the end of a line in a text that is escaped. */
const LINE_END = /\n|\\n/;
const CLOSING_NEXT = /[\s),;.+:\]}<>\\/|]/;

/**
 * Whether a quote closes an earlier one: an odd number of quotes that are as deeply escaped stands before the name in its line, and no value
 * follows the quote at once.
 */
function isClosingQuote(text: string, name: Name, quote: string, quoteEnd: number): boolean {
  if (
    !CLOSING_NEXT.test(text[quoteEnd] ?? ' ') ||
    looksRandom(text.slice(quoteEnd, closingQuote(text, quote, quoteEnd)))
  )
    return false;
  const before = text.slice(Math.max(0, name.start - LONGEST_LINE_BEFORE), name.start);
  const line = before.split(LINE_END).at(-1) ?? '';
  let count = 0;
  for (let at = line.indexOf(quote); at !== -1; at = line.indexOf(quote, at + quote.length))
    if (line[at - 1] !== '\\') count++;
  return count % 2 === 1;
}

const ITEM = /[\w$.-]+/g;
const LONGEST_LIST = 300;
/** `[hidden]`, `[FILTERED]` */
const ONE_WORD = /^\[[A-Za-z]{4,12}\]$/;
const EMPTY = /^[[{]\s*[\]}]$/;
const PATHS = /^\[\s*(?:["']\.{1,2}\/[\w./-]*["'],?\s*)+\]$/;

/** Whether a list or an object holds nothing, names or paths: `[]`, `['apiKey', 'password']`, `['./jwt.js']`. */
function isListOfWords(list: string): boolean {
  if (list.length > LONGEST_LIST) return false;
  if (EMPTY.test(list) || PATHS.test(list) || ONE_WORD.test(list)) return true;
  const items = list.match(ITEM) ?? [];
  return items.every((item) => item.length >= 3 && isIdentifier(item)) && items.some(isPlaceholder);
}

/** A header in quotes ends with them. */
function restOfLine(text: string, separator: number, start: number, name: Name): Span | undefined {
  const isInQuotes = /["'`]/.test(text[name.start - 1] ?? '');
  const end = endOf(isInQuotes ? REST_OF_QUOTED_LINE : REST_OF_LINE, text, start);
  if (end === start) return undefined;
  const value = text.slice(start, end);
  const withoutScheme = withoutMarks(value.replace(/^(?:bearer|basic|token)\s+/i, ''), '', ';,)]}');
  if (withoutScheme === '' || isNoValue(withoutScheme.split(/[\s,;)]/, 1)[0] ?? '')) return undefined;
  if (isHarmlessValue(withoutScheme) || isExpression(value)) return undefined;
  if (start > separator + 1 && isIdentifier(value)) return undefined;
  // Food, and what a browser stores. A long value is not judged but replaced.
  if (
    value.length <= LONGEST_JUDGED &&
    /cookie2?$/i.test(name.text) &&
    text[separator] === ':' &&
    !value.includes('=') &&
    !isSecretLike(value.split(/[\s,;)]/, 1)[0] ?? '')
  )
    return undefined;
  return { start, end, isQuoted: false };
}

function findBareValue(
  text: string,
  separator: number,
  from: number,
  place: JudgedPlace,
  policy: Policy,
  isComparison: boolean,
): Span | undefined {
  const { name } = place;
  const isSpaced = from > separator + 1;
  const isInConnectionString = !isSpaced && (text[name.start - 1] === ';' || text.startsWith('; ', name.start - 2));
  const start = isInConnectionString ? from : endOf(SCHEME, text, from);
  const pattern = isInConnectionString || text[from] === '{' ? CONNECTION_VALUE : BARE_VALUE;
  const length = endOf(pattern, text.slice(start, start + LONGEST_JUDGED + 1), 0);
  // A long value is not judged but replaced: to judge it again for each name in it would make a text of names slow.
  if (length > LONGEST_JUDGED) return { start, end: endOf(pattern, text, start), isQuoted: false };
  const end = start + length;
  const value = text.slice(start, end);
  if (value === '' || isNoValue(value) || isSecretName(value, policy)) return undefined;
  if (isComparison && !isSecretLike(value)) return undefined;
  const passphraseEnd =
    place.kind === SUSPECT || isInConnectionString ? undefined : endOfPassphrase(text, name, start, end);
  if (passphraseEnd !== undefined) return { start, end: passphraseEnd, isQuoted: false };
  if (isHarmlessBare(text, value, start, end, isInConnectionString)) return undefined;
  if (place.kind === SUSPECT) return { start, end, isQuoted: false };
  if (isInConnectionString || place.isAnnounced) return { start, end, isQuoted: false };
  const isColon = text.charCodeAt(separator) !== EQUALS;
  if (isSpaced && !isColon && isIdentifier(value)) return undefined;
  if (isColon && /cookies?$/i.test(name.text) && !value.includes('=') && !isSecretLike(value)) return undefined;
  if (isColon && isInCode(text, value, name, separator, start, end)) return undefined;
  const rest = restOfLabel(text, name, end);
  if (rest === undefined) {
    return isColon && isSpaced && isPlainWord(value) && WORD_NEXT.test(text.slice(end, end + 3))
      ? undefined
      : { start, end, isQuoted: false };
  }
  const all = text.slice(start, rest);
  if (isDescription(all)) return isSecretLike(value) ? { start, end, isQuoted: false } : undefined;
  return { start, end: isPhrase(all) ? rest : end, isQuoted: false };
}

function isHarmlessBare(text: string, value: string, start: number, end: number, mayHoldBlanks: boolean): boolean {
  // A template is longer than a bare value, which ends at its bracket: `${{ secrets.X }}`.
  const line = text.slice(start, Math.min(end + 3, text.length));
  const first = text[start] as string;
  if ('$<{%#'.includes(first) && TEMPLATE_AT.test(line)) return true;
  if (isTemplate(value) || isPlaceholder(value) || isPath(value)) return true;
  // A password with blanks in a connection string may begin like an expression, or read like a sentence: `e.apu Bm9`, `ODU E!.!`.
  if (mayHoldBlanks && value.includes(' ')) return false;
  return isExpression(value) || isHarmlessValue(value);
}

const TEMPLATE_AT = /^(?:\$\{|\$\(|\{\{|\{%|<[%A-Za-z]|%\(|#\{|%[sdr](?:[\s;,)'"]|$))/;
const WORD_NEXT = /^ [A-Za-z0-9(`'"[]/;
const PLAIN_WORD = /^(?:[A-Za-z][a-z']+|[AI])$/;

function isPlainWord(value: string): boolean {
  return PLAIN_WORD.test(value);
}

/** Whether a value after a colon is a type, a key or a name of code: `token: AuthToken,`, `{ password: value }`, `Pass :meth:`, `passwd:gid`. */
function isInCode(text: string, value: string, name: Name, separator: number, start: number, end: number): boolean {
  if (start === separator + 1) {
    // `label="Password" :rules="rules"`, `Pass :meth:`
    if (isBlankAt(text, separator - 1)) return true;
    return (
      !name.isQuoted &&
      ((isPlainWord(value) && !isSecretLike(value)) ||
        RESOURCE_BEFORE.test(text.slice(Math.max(0, name.start - LONGEST_LINE_BEFORE), name.start)))
    );
  }
  if (!isIdentifier(value)) return false;
  const next = text.slice(end, end + 8);
  if (/\):?$/.test(value)) return true;
  if (OPERATOR_NEXT.test(next)) return true;
  if (/^\s?[)}\],]/.test(next) && /[{(,]\s*$/.test(text.slice(Math.max(0, name.start - 12), name.start))) return true;
  return /^[A-Z]|[a-z][A-Z]/.test(value) && /[a-z]/.test(value) && /^(?:[;,)}\]|?<]|\s*[={|]|\s*$)/.test(next);
}

/** `pass: actual === expected`, `onToken: token => {` */
const OPERATOR_NEXT = /^ (?:=>|[=!]==?|&&|\|\||[<>]=?|\?\??|[+*]) /;
const RESOURCE_BEFORE = /arn:aws[\w:/-]*$/;

function isBlankAt(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}

/** `secret: api_key: …`: what comes next is a name itself, and the value stands after that. */
function isSecretName(value: string, policy: Policy): boolean {
  return /^[\w.-]+[:=]$/.test(value) && policy.kindInText(value.slice(0, -1)) > SUSPECT;
}

const LABEL_START = /(?:^|[\n\r|>])[ \t\-*_#>•"'`(|]{0,12}$/;
/** Also `Wifi password: x y z`, `seed phrase: x y z`, `Error: password: x y z`. */
const LONG_LABEL_START = /* @__PURE__ */ expressionOfKinds(
  (_, kinds) =>
    String.raw`(?:^|[\n\r|>\]]|: )[ \t\-*_#>•"'\x60(|]{0,12}(?:[A-Z][\w'’-]{0,15} ){0,2}(?:(?:${kinds}) )?$`,
);
const REST_OF_LABEL = /[^\r\n|;,<>#"'`\\=:{}()[\]&]*/y;
const LONGEST_LABEL_BEFORE = 48;

/** Where the text after a label ends, if the name is one: at the beginning of a line or a cell, and more words follow its value. */
function restOfLabel(text: string, name: Name, end: number, labelStart = LABEL_START): number | undefined {
  if (!WORD_NEXT.test(text.slice(end, end + 3))) return undefined;
  if (!labelStart.test(text.slice(Math.max(0, name.start - LONGEST_LABEL_BEFORE), name.start))) return undefined;
  REST_OF_LABEL.lastIndex = end;
  const rest = end + (REST_OF_LABEL.exec(text)?.[0].trimEnd().length ?? 0);
  return rest > end ? rest : undefined;
}

/** The words of a wallet's recovery phrase are up to 24. */
const PHRASE = /^[\w'’!?.-]+(?: [\w'’!?.-]+){1,23}$/;
const LONGEST_PHRASE = 240;

/** Whether a text may be a passphrase: a few words, each of letters, digits and hyphens. */
function isPhrase(text: string): boolean {
  return text.length <= LONGEST_PHRASE && PHRASE.test(text);
}

/** Whether a text is a passphrase of at least so many words: no description of one, and no code. */
export function isPassphrase(text: string, leastWords: number): boolean {
  return isPhrase(text) && text.split(' ').length >= leastWords && !isDescription(text) && !isExpression(text);
}

const LEAST_WORDS = 3;

/** Where the passphrase after a label ends, if there is one. Behind a word that is a secret by itself something else is said. */
function endOfPassphrase(text: string, name: Name, start: number, end: number): number | undefined {
  if (isSecretLike(text.slice(start, end))) return undefined;
  const rest = restOfLabel(text, name, end, LONG_LABEL_START);
  return rest !== undefined && isPassphrase(text.slice(start, rest), LEAST_WORDS) ? rest : undefined;
}

/** What closes the quotes of texts. */
const CLOSING: ReadonlyMap<string, string> = new Map([
  ['“', '”'],
  ['«', '»'],
  ['„', '“'],
  ['「', '」'],
]);

/** Where a quoted value ends: before the next quote that is as deeply escaped as the first, or with the text. */
function closingQuote(text: string, quote: string, from: number): number {
  const closing = CLOSING.get(quote) ?? quote;
  for (let at = text.indexOf(closing, from); at !== -1; at = text.indexOf(closing, at + 1)) {
    if (text[at - 1] !== '\\') return at;
  }
  return text.length;
}

/** After the bracket that closes the one at `start`, or the end of the text. */
function closingBracket(text: string, start: number): number {
  const [open, close] = text[start] === '{' ? '{}' : '[]';
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === open) depth++;
    else if (text[at] === close && --depth === 0) return at + 1;
  }
  return text.length;
}
