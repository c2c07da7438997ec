/** How much of a JSON text an excerpt has, in bytes of UTF-8. */
export interface Extent {
  /** A text up to this length is left as it is: parsing it takes less time than searching it. */
  readonly whole: number;
  /** A longer string is cut here. */
  readonly string: number;
  /** A list has at least so many elements. */
  readonly elements: number;
  /** It loses those that follow, once this much of it is left in. */
  readonly list: number;
  /** Likewise for a list of short elements, as parameters are. */
  readonly parameters: number;
  /** A string is cut here from the ninth element of a list on: what that has of interest is an enumeration, such as a finish reason. */
  readonly inLists: number;
  /** Once this much is left in, strings are cut as for {@link FACTS}. */
  readonly total: number;
}

/** More elements of an answer are not needed: none has more choices than 128, or more counters to be summed up than 250 (Vertex AI). */
const ANSWER_ELEMENTS = 256;

/** What tells an answer's counters, ids and errors. No name, id or code is longer than such a string. */
export const FACTS: Extent = {
  whole: 4096,
  string: 600,
  elements: ANSWER_ELEMENTS,
  list: 0,
  parameters: 0,
  inLists: 100,
  total: Number.POSITIVE_INFINITY,
};

/** What tells a request's model and parameters: the first messages show what all of them are. */
export const ASKED: Extent = { ...FACTS, elements: 16, list: 4096, parameters: 65_536 };

/** What is needed beside `facts` to record the beginning of each content, up to `length` bytes. */
export function contentExtent(length: number, facts: Extent): Extent {
  const string = Math.max(length, facts.string);
  const list = Math.max(2 * length, facts.list);
  return { ...facts, whole: length, string, list, inLists: string, total: 8 * length };
}

const LEFT_OUT = /\[(\d+) more characters\](={0,2})$/;
const LONGEST_LEFT_OUT = 40;

/** What an excerpt has in the place of `missing` characters of ASCII. */
export function leftOut(missing: number): string {
  return `[${missing} more characters]`;
}

/** The length that a string of ASCII had before it was cut. The padding of base64 is left in. */
export function lengthBeforeCut(value: string): number {
  const found = LEFT_OUT.exec(value.slice(-LONGEST_LEFT_OUT));
  return found ? value.length - found[0].length + Number(found[1]) + (found[2] as string).length : value.length;
}
