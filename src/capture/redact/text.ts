import { type Edit, inOrder, REDACTED } from './edits.js';
import { findKeys, MIN_KEY_LENGTH } from './keys/find-keys.js';
import { looksRandom } from './keys/randomness.js';
import { findPemBlocks, findSchemes } from './keys/schemes.js';
import { endOf } from './keys/sticky.js';
import { type NameKind, PLAIN, SECRET, SUSPECT, TOKEN } from './names.js';
import type { Policy } from './policy.js';
import { findUrlSecrets } from './urls.js';

/** `Basic YTo=` */
const SHORTEST_WITH_SCHEME = 10;

/** Finds every secret in a text, by shape and by the name that stands before it. The edits are in order and apart. `urlDepth`: in how many URLs. */
export function findSecrets(text: string, policy: Policy, urlDepth = 0): readonly Edit[] {
  const edits: Edit[] = [];
  if (text.length >= MIN_KEY_LENGTH) findKeys(text, edits);
  // `BEGIN`, `Bearer`, `Basic`: mostly one look says that none is there.
  if (text.length >= SHORTEST_WITH_SCHEME && text.includes('B')) {
    findPemBlocks(text, edits);
    findSchemes(text, edits);
  }
  findNamed(text, policy, urlDepth, edits);
  findPatterns(text, policy, edits);
  return inOrder(edits);
}

/** What the application's own patterns match. */
export function findPatterns(text: string, policy: Policy, edits: Edit[]): void {
  for (const pattern of policy.patterns) {
    for (const match of text.matchAll(pattern)) {
      if (match[0] !== '') edits.push({ start: match.index, end: match.index + match[0].length, text: REDACTED });
    }
  }
}

/**
 * Finds every secret in a text that was cut off at its end. Its last word is dropped, for it may be half of a secret, which has no
 * shape any more.
 */
export function findSecretsInCut(text: string, policy: Policy): readonly Edit[] {
  const start = startOfLastWord(text);
  const edits = findSecrets(text, policy);
  return start === text.length ? edits : inOrder([...edits, { start, end: text.length, text: '' }]);
}

/** Only visible ASCII is in secrets: a text in Chinese has no spaces, but its last word is short all the same. */
function startOfLastWord(text: string): number {
  let start = text.length;
  while (start > 0) {
    const code = text.charCodeAt(start - 1);
    if (code <= 32 || code >= 127) break;
    start--;
  }
  return start;
}

/** `name=value`, `name: value`, `"name":"value"`, and the URLs, which have a colon too. */
function findNamed(text: string, policy: Policy, urlDepth: number, edits: Edit[]): void {
  let colon = text.indexOf(':');
  let equals = text.indexOf('=');
  while (colon !== -1 || equals !== -1) {
    const at = colon === -1 || (equals !== -1 && equals < colon) ? equals : colon;
    const next =
      (at === colon && findInUrl(text, at, policy, urlDepth, edits)) || findAfterName(text, at, policy, edits);
    if (colon !== -1 && colon < next) colon = text.indexOf(':', next);
    if (equals !== -1 && equals < next) equals = text.indexOf('=', next);
  }
}

const SLASH = 47;
const BACKSLASH = 92;
const SCHEME_BEFORE = /[a-z][a-z0-9+.-]*$/i;
const LONGEST_SCHEME = 20;
const URL_REST = /:\/\/[^\s"'`<>\\]*/y;
const ESCAPED_URL_REST = /:\\\/\\\/(?:[^\s"'`<>\\]|\\\/)*/y;

/** Returns where the URL that has its scheme before `colon` ends; `undefined` if there is none. */
function findInUrl(text: string, colon: number, policy: Policy, urlDepth: number, edits: Edit[]): number | undefined {
  const after = text.charCodeAt(colon + 1);
  if (after === BACKSLASH) return findInEscapedUrl(text, colon, policy, urlDepth, edits);
  const end = after === SLASH ? endOf(URL_REST, text, colon) : colon;
  if (end === colon) return undefined;
  const start = schemeStart(text, colon);
  for (const edit of findUrlSecrets(text.slice(start, end), policy, urlDepth)) {
    edits.push({ start: start + edit.start, end: start + edit.end, text: edit.text });
  }
  return end;
}

/** `https:\/\/…`, as JSON in a text may have it, goes as a whole if there is a secret in it. */
function findInEscapedUrl(
  text: string,
  colon: number,
  policy: Policy,
  urlDepth: number,
  edits: Edit[],
): number | undefined {
  const end = endOf(ESCAPED_URL_REST, text, colon);
  if (end === colon) return undefined;
  const start = schemeStart(text, colon);
  const url = text.slice(start, end).replaceAll('\\/', '/');
  if (findUrlSecrets(url, policy, urlDepth).length > 0) edits.push({ start, end, text: REDACTED });
  return end;
}

function schemeStart(text: string, colon: number): number {
  const scheme = SCHEME_BEFORE.exec(text.slice(Math.max(0, colon - LONGEST_SCHEME), colon));
  return scheme ? colon - scheme[0].length : colon + 1;
}

/** A name and its place. */
interface Name {
  readonly text: string;
  readonly start: number;
  /** Whether it stands in quotes or brackets: `"api_key":`, `headers["api-key"] =`. */
  readonly isQuoted: boolean;
}

/** Returns where to go on. */
function findAfterName(text: string, separator: number, policy: Policy, edits: Edit[]): number {
  const name = nameBefore(text, separator);
  const kind = name ? kindOf(text, name, policy) : PLAIN;
  if (!name || kind === PLAIN) return separator + 1;
  const isDoubtful = kind === SUSPECT && !isQueryKey(text, name);
  if (isDoubtful && !startsRandom(text, separator, name, policy)) return separator + 1;
  const value = findValue(text, separator, name, kind, policy);
  if (!value || (kind === TOKEN && SHORT_NUMBER.test(text.slice(value.start, value.end)))) return separator + 1;
  edits.push({ ...value, text: REDACTED });
  return endOf(SEPARATOR_LAST, text, value.end - 1) === value.end ? value.end - 1 : value.end;
}

/** A bare value that ends as a name does may be one itself: `passwords: see(secret_key: …`. */
const SEPARATOR_LAST = /[:=](?=\s)/y;

/** Where a value stands. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** What is not random in its beginning is none, and a text in which every word is doubtful must not be slow. */
const LONGEST_DOUBTFUL = 100;

function startsRandom(text: string, separator: number, name: Name, policy: Policy): boolean {
  const beginning = text.slice(0, separator + LONGEST_DOUBTFUL);
  const value = findValue(beginning, separator, name, SUSPECT, policy);
  return value !== undefined && looksRandom(beginning.slice(value.start, value.end));
}

const LONGEST_NAME = 64;
/** Quotes in JSON that is five times in a string have 31 backslashes before them. */
const LONGEST_GAP = 40;
const SHORT_NUMBER = /^[0-9]{1,9}$/;

function nameBefore(text: string, separator: number): Name | undefined {
  let end = separator;
  const gapFloor = Math.max(0, separator - LONGEST_GAP);
  while (end > gapFloor && isBlank(text.charCodeAt(end - 1))) end--;
  const quoteEnd = end;
  while (end > gapFloor && isQuoting(text.charCodeAt(end - 1))) end--;
  let start = end;
  const floor = Math.max(0, end - LONGEST_NAME);
  while (start > floor && isInName(text.charCodeAt(start - 1))) start--;
  return start === end ? undefined : { text: text.slice(start, end), start, isQuoted: end < quoteEnd };
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** `"`, `'`, backtick, `]` and `\`. */
function isQuoting(code: number): boolean {
  return code === 34 || code === 39 || code === 96 || code === 93 || code === 92;
}

/** `A`–`Z`, `a`–`z`, `0`–`9`, `_`, `-`, `.`. */
function isInName(code: number): boolean {
  const lowerCase = code | 32;
  return (
    (lowerCase >= 97 && lowerCase <= 122) || (code >= 48 && code <= 57) || code === 95 || code === 45 || code === 46
  );
}

/** `Incorrect API key provided: …`: names of two words, as sentences write them. */
const PHRASE = /(?:api|access|auth|private|secret)[ _-](?:key|token)(?: provided| is)?$/i;
const LAST_WORD_OF_PHRASE = /^(?:key|token|provided|is)$/i;
const LONGEST_PHRASE = 32;

function kindOf(text: string, name: Name, policy: Policy): NameKind {
  const { start, text: word } = name;
  // What is left of an escape in a text that was quoted twice: `\\ncookie=…`.
  const afterEscape = text.charCodeAt(start - 1) === BACKSLASH ? policy.kindInText(word.slice(1)) : PLAIN;
  const kind = Math.max(policy.kindInText(word), afterEscape) as NameKind;
  if (kind > SUSPECT || !LAST_WORD_OF_PHRASE.test(word)) return kind;
  const end = start + word.length;
  const phrase = PHRASE.exec(text.slice(Math.max(0, end - LONGEST_PHRASE), end));
  return phrase ? policy.kind(phrase[0].replace(/ (?:provided|is)$/i, '')) : kind;
}

/** `?key=…` and `&sig=…` outside of a whole URL. */
function isQueryKey(text: string, name: Name): boolean {
  const mark = text[name.start - 1];
  return mark === '?' || mark === '&';
}

const OPERATOR_AND_BLANKS = /[=>]{0,2}[ \t]*/y;
const OPERATOR_AND_LINES = /[=>]{0,2}\s*/y;
const OPENING_QUOTE = /\\*["'`]/y;
/** Headers whose values are many words long. */
const WHOLE_LINE_NAME = /authorization$|cookie2?$/i;
const REST_OF_LINE = /(?:[^\r\n\\]+|\\(?![nr]))+/y;
const REST_OF_QUOTED_LINE = /(?:[^\r\n"'`\\]+|\\(?![nr"'`]))+/y;
/** `Server=db;Password=correct horse;Database=x`: there a value ends at the semicolon only. */
const CONNECTION_VALUE = /\{[^}]*\}?|[^;"'`\r\n]+/y;
/** Commas and closing brackets belong to a bare value where something follows them at once. */
const BARE_VALUE = /(?:[^\s"'`&;,)\]}<>\\]+|[,)\]}](?![\s"'`,;.)\]}\\]|$)|\\(?!["'`]))+/y;
const SCHEME = /(?:bearer|basic|digest|token|apikey|negotiate)[ \t]+(?=\S)/iy;
/** Words that stand where a value would, in types, sentences and settings. */
const NO_VALUE =
  /^(?:any|array|bool|boolean|empty|expired|false|int|integer|invalid|missing|nil|none|not|null|number|object|optional|redacted|required|str|string|true|undefined|unknown)[.!?]?$/i;
/** Code that gets the value from elsewhere: `getToken()`, `os.environ["TOKEN"]`, `process.env.TOKEN`. */
const EXPRESSION = /(?:await |new )?(?:(?:process|import\.meta|Deno)\.env\b|[A-Za-z_$][\w$.]*(?:\(\)|[([]["'`]))/y;

/** Where the value after a separator stands; `undefined` if there is none, or it is none that could be a secret. */
function findValue(text: string, separator: number, name: Name, kind: NameKind, policy: Policy): Span | undefined {
  // After a name in quotes the value may stand in the next line; after a bare one that line is something else.
  const start = endOf(name.isQuoted ? OPERATOR_AND_LINES : OPERATOR_AND_BLANKS, text, separator + 1);
  const quoteEnd = endOf(OPENING_QUOTE, text, start);
  if (quoteEnd > start) {
    const end = closingQuote(text, text.slice(start, quoteEnd), quoteEnd);
    return end > quoteEnd ? { start: quoteEnd, end } : undefined;
  }
  const isSpaced = start > separator + 1;
  if (text[start] === '[' || (text[start] === '{' && name.isQuoted)) {
    return kind === SECRET ? { start, end: closingBracket(text, start) } : undefined;
  }
  // The names inside of an object in code or YAML speak for themselves.
  if (text[start] === '{' && (isSpaced || text[separator] === ':')) return undefined;
  return WHOLE_LINE_NAME.test(name.text)
    ? restOfLine(text, start, name)
    : findBareValue(text, start, name, isSpaced, policy);
}

/** A header in quotes ends with them. */
function restOfLine(text: string, start: number, name: Name): Span | undefined {
  const isInQuotes = /["'`]/.test(text[name.start - 1] ?? '');
  const end = endOf(isInQuotes ? REST_OF_QUOTED_LINE : REST_OF_LINE, text, start);
  return end > start ? { start, end } : undefined;
}

function findBareValue(text: string, from: number, name: Name, isSpaced: boolean, policy: Policy): Span | undefined {
  const isInConnectionString = !isSpaced && (text[name.start - 1] === ';' || text.startsWith('; ', name.start - 2));
  const start = isInConnectionString ? from : endOf(SCHEME, text, from);
  const end = endOf(isInConnectionString || text[from] === '{' ? CONNECTION_VALUE : BARE_VALUE, text, start);
  const value = text.slice(start, end);
  if (value === '' || NO_VALUE.test(value) || isSecretName(value, policy)) return undefined;
  return isSpaced && endOf(EXPRESSION, text, start) > start ? undefined : { start, end };
}

/** `secret: api_key: …`: what comes next is a name itself, and the value stands after that. */
function isSecretName(value: string, policy: Policy): boolean {
  return /^[\w.-]+[:=]$/.test(value) && policy.kindInText(value.slice(0, -1)) > SUSPECT;
}

/** Where a quoted value ends: before the next quote that is as deeply escaped as the first, or with the text. */
function closingQuote(text: string, quote: string, from: number): number {
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 1)) {
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
