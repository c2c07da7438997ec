import { isWrittenAsItIs } from '../json-string-memo.js';

const BACKSLASH = 92;

/** The longest string literal, with its quotes, that may be the name of a secret. */
export const LONGEST_NAME_LITERAL = 66;

/** The value of the string between two quotes; `undefined` if it is malformed. */
export function decodeString(text: string, start: number, end: number): string | undefined {
  if (end - start <= LONGEST_NAME_LITERAL && isWrittenAsItIs(text, start + 1, end - 1)) {
    return text.slice(start + 1, end - 1);
  }
  try {
    return JSON.parse(text.slice(start, end));
  } catch {
    return undefined;
  }
}

/** The value of a string literal that has no end, without the half of an escape or of a character at its end. */
export function decodeCut(text: string, start: number): string | undefined {
  let inner = text.slice(start + 1);
  const unfinished = /\\(?:u[0-9A-Fa-f]{0,3})?$/.exec(inner);
  if (unfinished && isEscape(inner, unfinished.index)) inner = inner.slice(0, unfinished.index);
  try {
    return JSON.parse(`"${inner}"`).replace(/[\ud800-\udbff]$/, '');
  } catch {
    return undefined;
  }
}

/** Whether the backslash at `at` begins an escape and is not escaped itself. */
function isEscape(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 0;
}
