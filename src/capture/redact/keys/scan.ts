/** Where the match of a sticky expression at `from`, or the next match of a global one, ends; `from` if there is none. */
export function endOf(expression: RegExp, text: string, from: number): number {
  expression.lastIndex = from;
  return expression.test(text) ? expression.lastIndex : from;
}

/** Which characters of ASCII match, by their code: looking up a code costs less than an expression. */
export function codesMatching(expression: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => Number(expression.test(String.fromCharCode(code))));
}

/** Of ASCII. */
export function isLetter(code: number): boolean {
  const lowerCase = code | 32;
  return lowerCase >= 97 && lowerCase <= 122;
}
