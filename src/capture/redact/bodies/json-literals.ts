import { endOf } from '../keys/scan.js';

const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Bounded, because the engine remembers each repetition. */
const NUMBERS = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?,[ \n\r\t]*){1,1000}/y;

const ZERO = 48;
const NINE = 57;

/** Where a literal ends; `start` if none begins there. Most are `null` and whole numbers, which need no expression. */
export function literalEnd(text: string, start: number): number {
  if (text.startsWith('null', start)) return start + 4;
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  const isWhole =
    at > start && (at === start + 1 || text.charCodeAt(start) !== ZERO) && !'.eE'.includes(text.charAt(at));
  return isWhole ? at : endOf(LITERAL, text, start);
}

/** Where numbers end that have a comma after each, with the blanks after the last comma; `start` if none begin there. */
export function numbersEnd(text: string, start: number): number {
  return endOf(NUMBERS, text, start);
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
