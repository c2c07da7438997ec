import { stringEnd } from '../../util/json-text.js';

/** How much of a JSON text is left in, in characters. */
export interface Extent {
  /** A text up to this length is left as it is: parsing it takes less time than searching it. */
  readonly whole: number;
  /** A longer string is cut here. */
  readonly string: number;
  /** A list loses its elements from the 129th on, once this much of it is left in. */
  readonly list: number;
  /** A string is cut here from the ninth element of a list on: what that has of interest is an enumeration, such as a finish reason. */
  readonly inLists: number;
  /** Once this much is left in, strings are cut as for {@link FACTS}. */
  readonly total: number;
}

/** What tells model, parameters, counters and errors. No name, id or code is longer than such a string. */
export const FACTS: Extent = { whole: 4096, string: 600, list: 0, inLists: 100, total: Number.POSITIVE_INFINITY };

/** What is needed to record the beginning of each content, up to `length` characters. */
export function contentExtent(length: number): Extent {
  const string = Math.max(length, FACTS.string);
  return { whole: length, string, list: 2 * length, inLists: string, total: 8 * length };
}

/** More elements of a list are not needed: no answer has more choices, and the first messages show what all of them are. */
const LIST_LENGTH = 128;

const FIRST_ELEMENTS = 8;

/** A longer array of numbers is left out. */
const LONGEST_NUMBERS = 4096;

/** Deeper JSON is not read. */
const MAX_DEPTH = 10_000;

const QUOTE = 34;
const COMMA = 44;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

const FIRST_NUMBER = /\s*-?\d/y;

const EQUALS_SIGN = 61;

/** The longest escape in a string: `\u0041`. */
const ESCAPE_LENGTH = 6;

/**
 * A JSON text without most of its long strings, long lists and long arrays of numbers, which parses in a fraction of the time. All other
 * values are what parsing the whole text finds. `undefined` if the text can't be JSON, because a bracket or a quote is not closed.
 *
 * The search jumps from quote to quote, and over an array of numbers to its end. What is left out is not checked otherwise.
 *
 * @example excerpt('{"model":"gpt-5","messages":[…1 MB…]}', FACTS) // '{"model":"gpt-5","messages":[…128 short messages…]}'
 */
export function excerpt(json: string, extent: Extent): string | undefined {
  return json.length <= extent.whole ? json : new Excerpt(json, extent).read();
}

/** What stands where a string was cut, or instead of numbers: how much is missing, and the padding of base64. */
const MARK = /\[(\d+) more characters\](={0,2})$/;
const LONGEST_MARK = 40;

/** The length that a string had before it was cut, in characters. */
export function lengthBeforeCut(value: string): number {
  const mark = MARK.exec(value.slice(-LONGEST_MARK));
  return mark ? value.length - mark[0].length + Number(mark[1]) + (mark[2] as string).length : value.length;
}

class Excerpt {
  readonly #json: string;
  readonly #extent: Extent;
  /** Where the next string is cut. */
  #string: number;
  #kept = '';
  /** Up to here, the text was left in or out. */
  #readTo = 0;
  /** The open brackets: for a list the number of its elements so far, for an object -1. */
  readonly #counts: number[] = [];
  /** How much was left in when each bracket was opened. */
  readonly #keptBefore: number[] = [];
  /** How many of the open lists have more than eight elements so far. */
  #longLists = 0;
  /** The first quote after the last array of numbers, and the first closing bracket. */
  #nextQuote = 0;
  #nextClosing = 0;

  constructor(json: string, extent: Extent) {
    this.#json = json;
    this.#extent = extent;
    this.#string = extent.string;
  }

  read(): string | undefined {
    const json = this.#json;
    const counts = this.#counts;
    for (let at = 0; at < json.length; ) {
      const code = json.charCodeAt(at);
      if (code === QUOTE) {
        const end = stringEnd(json, at);
        if (end === -1) return undefined;
        if (end - at - 2 > this.#stringLength()) this.#cut(at, end);
        at = end;
      } else if (code === COMMA) {
        const last = counts.length - 1;
        const count = counts[last] as number;
        if (count >= LIST_LENGTH && this.#keptLength(at) - (this.#keptBefore[last] as number) >= this.#extent.list) {
          const end = listEnd(json, at);
          if (end === -1) return undefined;
          this.#leaveOut(at, end);
          at = end;
        } else {
          if (count === FIRST_ELEMENTS) this.#longLists++;
          if (count > 0) counts[last] = count + 1;
          at++;
        }
      } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
        const end = code === OPEN_ARRAY ? this.#numbersEnd(at) : -1;
        if (end !== -1) {
          if (end - at > Math.min(this.#stringLength(), LONGEST_NUMBERS))
            this.#leaveOut(at + 1, end, `"${mark(end - at - 1)}"`);
          at = end + 1;
        } else {
          if (counts.length === MAX_DEPTH) return undefined;
          counts.push(code === OPEN_ARRAY ? 1 : -1);
          this.#keptBefore.push(this.#keptLength(at));
          at++;
        }
      } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
        const count = counts.pop();
        if (count === undefined || count > 0 !== (code === CLOSE_ARRAY)) return undefined;
        if (count > FIRST_ELEMENTS) this.#longLists--;
        this.#keptBefore.pop();
        at++;
      } else at++;
    }
    return counts.length === 0 ? this.#kept + json.slice(this.#readTo) : undefined;
  }

  #stringLength(): number {
    return this.#longLists > 0 ? Math.min(this.#string, this.#extent.inLists) : this.#string;
  }

  #keptLength(at: number): number {
    return this.#kept.length + at - this.#readTo;
  }

  #leaveOut(start: number, end: number, mark = ''): void {
    this.#kept += this.#json.slice(this.#readTo, start) + mark;
    this.#readTo = end;
    if (this.#kept.length > this.#extent.total) this.#string = FACTS.string;
  }

  /** Cuts the string between two quotes, so that no escape is cut in two. */
  #cut(start: number, end: number): void {
    const at = beforeEscape(this.#json, start + 1 + this.#stringLength());
    let rest = end - 1;
    while (rest > end - 3 && this.#json.charCodeAt(rest - 1) === EQUALS_SIGN) rest--;
    if (rest > at) this.#leaveOut(at, rest, mark(rest - at));
  }

  /** The end of the array that begins at `start`, if it begins with a number and has no string and no array in it; -1 if not. */
  #numbersEnd(start: number): number {
    const json = this.#json;
    FIRST_NUMBER.lastIndex = start + 1;
    if (!FIRST_NUMBER.test(json)) return -1;
    if (this.#nextClosing < start) this.#nextClosing = indexOf(json, ']', start);
    if (this.#nextQuote < start) this.#nextQuote = indexOf(json, '"', start);
    const end = this.#nextClosing;
    const next = Math.min(this.#nextQuote, indexOf(json, '[', start + 1));
    return end < json.length && end < next ? end : -1;
  }
}

/** The index of the next `character`, or the length of the text. */
function indexOf(text: string, character: string, start: number): number {
  const index = text.indexOf(character, start);
  return index === -1 ? text.length : index;
}

function mark(missing: number): string {
  return `[${missing} more characters]`;
}

/** `at`, or the beginning of the escape that it would cut in two. */
function beforeEscape(json: string, at: number): number {
  let first = at;
  while (first > at - ESCAPE_LENGTH && json.charCodeAt(first - 1) !== BACKSLASH) first--;
  if (json.charCodeAt(first - 1) !== BACKSLASH) return at;
  while (json.charCodeAt(first - 1) === BACKSLASH) first--;
  return first;
}

/** The closing bracket of the list that `start` is inside of; -1 if there is none. */
function listEnd(json: string, start: number): number {
  const open: boolean[] = [];
  for (let at = start; at < json.length; ) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(json, at);
      if (at === -1) return -1;
      continue;
    }
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      if (open.length === MAX_DEPTH) return -1;
      open.push(code === OPEN_ARRAY);
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      if (open.length === 0) return code === CLOSE_ARRAY ? at : -1;
      if (open.pop() !== (code === CLOSE_ARRAY)) return -1;
    }
    at++;
  }
  return -1;
}
