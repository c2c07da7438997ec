/** Where a match of a sticky expression at `from` ends; `from` if there is none. */
export function endOf(sticky: RegExp, text: string, from: number): number {
  sticky.lastIndex = from;
  return sticky.test(text) ? sticky.lastIndex : from;
}
