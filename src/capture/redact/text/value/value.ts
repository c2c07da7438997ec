import { looksRandom } from '../../keys/randomness.js';
import { endOf } from '../../keys/scan.js';
import { SECRET } from '../../names.js';
import type { Policy } from '../../policy.js';
import { isExpression, isIdentifier } from '../code.js';
import { isHarmlessObject, isHarmlessValue, isNoValue, isPlaceholder } from '../harmless.js';
import type { JudgedPlace, Name } from '../name.js';
import { isSecretLike, withoutMarks } from '../words.js';
import { bare, findBareValue, isComparison, LONGEST_JUDGED, type Span } from './bare-value.js';

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

/** Where the value after a separator stands; `undefined` if there is none, or none that could be a secret. */
export function findValue(text: string, separator: number, place: JudgedPlace, policy: Policy): Span | undefined {
  const { kind, name } = place;
  // `${NAME:?it is not set}` of a shell
  if (text[separator + 1] === '?' && text.startsWith('${', name.start - 2)) return undefined;
  // After a name in quotes the value may stand in the next line; after a bare one that line is something else.
  const gapEnd = endOf(name.isQuoted ? OPERATOR_AND_LINES : BEFORE_VALUE, text, separator + 1);
  const start = endOf(STRING_PREFIX, text, endOf(BLOCK, text, gapEnd));
  const quoteEnd = endOf(OPENING_QUOTE, text, start);
  if (quoteEnd > start) {
    const quote = text.slice(start, quoteEnd);
    // `input("Password: ")`: the quote that closes what the name stands in.
    if (!name.isQuoted && isClosingQuote(text, name, quote, quoteEnd)) return undefined;
    const end = closingQuote(text, quote, quoteEnd);
    if (end === quoteEnd || (isComparison(text, separator) && !isSecretLike(text.slice(quoteEnd, end))))
      return undefined;
    return { start: quoteEnd, end, isQuoted: true };
  }
  if (text[start] === '[' || (text[start] === '{' && name.isQuoted)) {
    if (kind !== SECRET || text[start + 1] === '{') return undefined;
    const end = closingBracket(text, start);
    const found = text.slice(start, end);
    return isListOfWords(found) || isHarmlessObject(found) ? undefined : bare(start, end);
  }
  // The names inside of an object in code or YAML speak for themselves.
  if (text[start] === '{' && (start > separator + 1 || text[separator] === ':')) return undefined;
  return WHOLE_LINE_NAME.test(name.text)
    ? restOfLine(text, separator, start, name)
    : findBareValue(text, separator, start, place, policy);
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
  const pattern = /["'`]/.test(text.charAt(name.start - 1)) ? REST_OF_QUOTED_LINE : REST_OF_LINE;
  // Only the beginning is judged: to read the rest of a line again for each name in it would make a text of names slow.
  const near = text.slice(start, start + 2 * LONGEST_JUDGED);
  const value = near.slice(0, endOf(pattern, near, 0));
  const withoutScheme = withoutMarks(value.replace(/^(?:bearer|basic|token)\s+/i, ''), '', ';,)]}');
  if (withoutScheme === '' || isNoValue(firstWord(withoutScheme)) || isHarmlessValue(withoutScheme)) return undefined;
  if (value.length <= LONGEST_JUDGED) {
    if (isExpression(value) || (start > separator + 1 && isIdentifier(value))) return undefined;
    // Food, and what a browser stores.
    const isCookie = text[separator] === ':' && /cookie2?$/i.test(name.text);
    if (isCookie && !value.includes('=') && !isSecretLike(firstWord(value))) return undefined;
  }
  return bare(start, endOf(pattern, text, start));
}

function firstWord(value: string): string {
  return value.split(/[\s,;)]/, 1)[0] ?? '';
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
