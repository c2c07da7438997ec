/** Where the match of a sticky expression at `from`, or the next match of a global one, ends; `from` if there is none. */
export function endOf(expression: RegExp, text: string, from: number): number {
  expression.lastIndex = from;
  return expression.test(text) ? expression.lastIndex : from;
}
