/**
 * What a program of this harness is asked for by its arguments. Where it has nothing of that, it ends with 1: nothing would be tried and
 * nothing fail, which looks like success.
 */

/** The rows whose name fits. If none does, prints the names that there are. */
export function askedRows<Row>(
  rows: readonly Row[],
  nameOf: (row: Row) => string,
  fits: (name: string) => boolean,
): Row[] {
  const asked = rows.filter((row) => fits(nameOf(row)));
  if (asked.length === 0) end(`There is no such row. There are:\n  ${rows.map(nameOf).join('\n  ')}`);
  return asked;
}

/** The whole number in an argument, or `otherwise` if there is no argument. */
export function askedNumber(text: string | undefined, otherwise: number): number {
  if (text !== undefined && !/^\d+$/.test(text)) end(`${text} is not a whole number`);
  return text === undefined ? otherwise : Number(text);
}

function end(why: string): never {
  console.error(why);
  process.exit(1);
}
