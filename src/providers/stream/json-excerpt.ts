import { type Extent, FACTS, leftOut } from './extent.js';
import { GrowingBytes, NO_BYTES } from './growing-bytes.js';
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  isBlank,
  JsonSearch,
  MAX_DEPTH,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './json-search.js';
import { ListRest } from './list-rest.js';

const FIRST_ELEMENTS = 8;

/** The elements of a list of parameters are shorter than that, in bytes, on average. */
const SHORT_ELEMENT = 100;

/** More numbers are left out. */
const LONGEST_NUMBERS = 4096;

const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const EQUALS_SIGN = 61;

/** The longest escape in a string: `\u0041`. */
const ESCAPE_LENGTH = 6;

/**
 * What the next byte belongs to:
 * - `whole`: a text that is short so far, which is left as it is.
 * - `structure`: the text between strings.
 * - `string`, `cut string`: a string that is left in so far, or of which the rest is left out.
 * - `list`: a list that has just begun. It is not known yet whether it begins with a number.
 * - `numbers`, `cut numbers`: the numbers that a list begins with, left in so far or left out.
 * - `rest of list`: the elements that a list loses.
 * - `no JSON`: nothing more is read.
 */
type State =
  | 'whole'
  | 'structure'
  | 'string'
  | 'cut string'
  | 'list'
  | 'numbers'
  | 'cut numbers'
  | 'rest of list'
  | 'no JSON';

/**
 * Makes an excerpt of a JSON text that is received in chunks of UTF-8, cut anywhere: the text without most of its long strings, long lists
 * and long runs of numbers. It parses in a fraction of the time, and what is left out is not held. All other values are what parsing the
 * whole text finds.
 *
 * The search jumps from quote to quote, and over numbers to their end. What is left out is not checked otherwise.
 */
export class JsonExcerpt {
  readonly #extent: Extent;
  readonly #search = new JsonSearch();
  readonly #rest = new ListRest();
  #state: State = 'whole';
  #kept = new GrowingBytes();
  #length = 0;
  /** The chunk that is being read. What is left in of it, and not copied yet, begins at `#from`. */
  #bytes: Uint8Array = NO_BYTES;
  #from = 0;
  /** Where the next string is cut. */
  #longestString: number;
  /** The open brackets: for a list the number of its elements so far, for an object -1. */
  readonly #counts: number[] = [];
  /** How much was left in when each bracket was opened. */
  readonly #keptBefore: number[] = [];
  /** How many of the open lists have more than eight elements so far. */
  #longLists = 0;
  /** How long the string or the numbers are that are being read, as far as they were read, and how much of that is left in. */
  #partLength = 0;
  #partKept = 0;
  /** How many equals signs the string ends with so far, up to two. */
  #padding = 0;
  /** Whether a comma is the last of the numbers so far. */
  #afterComma = false;

  constructor(extent: Extent) {
    this.#extent = extent;
    this.#longestString = extent.string;
  }

  /** How many bytes were received. */
  get length(): number {
    return this.#length;
  }

  /** The next bytes of the text. They may be changed after the call. */
  push(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#state !== 'whole') this.#read(bytes);
    else if (this.#length <= this.#extent.whole) this.#kept.add(bytes, 0, bytes.length);
    else {
      const begun = this.#kept.bytes();
      // Enough for one long list: growing would take longer than searching the text.
      this.#kept = new GrowingBytes(this.#extent.whole + this.#extent.list);
      this.#state = 'structure';
      this.#read(begun);
      this.#read(bytes);
    }
  }

  /** The excerpt; `undefined` if the text so far can't be JSON, because a bracket or a quote is not closed. */
  text(): string | undefined {
    return this.#isComplete() ? this.#kept.text() : undefined;
  }

  /** The excerpt in UTF-8. */
  bytes(): Uint8Array | undefined {
    return this.#isComplete() ? this.#kept.bytes() : undefined;
  }

  #isComplete(): boolean {
    return this.#state === 'whole' || (this.#state === 'structure' && this.#counts.length === 0);
  }

  #read(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#from = 0;
    this.#search.in(bytes);
    for (let at = 0; at < bytes.length; ) at = this.#readOn(at);
    if (this.#isLeftIn()) this.#keepTo(bytes.length);
    this.#bytes = NO_BYTES;
  }

  /** Reads what is at `at`, and returns where it ends. */
  #readOn(at: number): number {
    switch (this.#state) {
      case 'structure':
        return this.#readStructure(at);
      case 'string':
      case 'cut string':
        return this.#readString(at, this.#search.stringEnd(at));
      case 'list':
        return this.#beginList(at);
      case 'numbers':
      case 'cut numbers':
        return this.#readNumbers(at);
      case 'rest of list':
        return this.#skipRest(at);
      default:
        return this.#bytes.length;
    }
  }

  #isLeftIn(): boolean {
    const state = this.#state;
    return state === 'structure' || state === 'string' || state === 'list' || state === 'numbers';
  }

  #fail(): number {
    this.#state = 'no JSON';
    this.#kept = new GrowingBytes();
    return this.#bytes.length;
  }

  #readStructure(start: number): number {
    const bytes = this.#bytes;
    const counts = this.#counts;
    for (let at = start; at < bytes.length; at++) {
      const code = bytes[at];
      if (code === QUOTE) {
        const end = this.#search.stringEnd(at + 1);
        if (end === -1 || end - at - 1 > this.#stringLength()) {
          this.#partLength = 0;
          this.#state = 'string';
          return this.#readString(at + 1, end);
        }
        at = end;
      } else if (code === COMMA) {
        const last = counts.length - 1;
        const count = counts[last] as number;
        if (count >= this.#extent.elements && this.#isListLongEnough(count, at)) {
          this.#keepTo(at);
          this.#state = 'rest of list';
          return at;
        }
        if (count === FIRST_ELEMENTS) this.#longLists++;
        if (count > 0) counts[last] = count + 1;
      } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
        if (counts.length === MAX_DEPTH) return this.#fail();
        counts.push(code === OPEN_ARRAY ? 1 : -1);
        this.#keptBefore.push(this.#keptLength(at));
        if (code === OPEN_ARRAY) {
          this.#state = 'list';
          return at + 1;
        }
      } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
        const count = counts.pop();
        if (count === undefined || count > 0 !== (code === CLOSE_ARRAY)) return this.#fail();
        if (count > FIRST_ELEMENTS) this.#longLists--;
        this.#keptBefore.pop();
      }
    }
    return bytes.length;
  }

  /** Whether the innermost list, with so many elements up to `at`, may lose the rest. */
  #isListLongEnough(count: number, at: number): boolean {
    const { list, parameters } = this.#extent;
    const length = this.#keptLength(at) - (this.#keptBefore.at(-1) as number);
    return length >= Math.max(list, Math.min(parameters, count * SHORT_ELEMENT));
  }

  #stringLength(): number {
    return this.#longLists > 0 ? Math.min(this.#longestString, this.#extent.inLists) : this.#longestString;
  }

  #keptLength(at: number): number {
    return this.#kept.length + at - this.#from;
  }

  /** Leaves the chunk in up to `at`. */
  #keepTo(at: number): void {
    this.#kept.add(this.#bytes, this.#from, at);
    this.#from = at;
  }

  /** Something was left out, and has `instead` in its place. The text is left in again from `at` on. */
  #leaveInFrom(at: number, instead: string): void {
    this.#kept.addAscii(instead);
    this.#from = at;
    if (this.#kept.length > this.#extent.total) this.#longestString = FACTS.string;
    this.#state = 'structure';
  }

  /** Reads a string from `start` up to its closing quote, which is at `end`; -1 if that is not in this chunk. */
  #readString(start: number, end: number): number {
    const to = end === -1 ? this.#bytes.length : end;
    const longest = this.#stringLength();
    if (this.#state === 'string' && this.#partLength + to - start > longest) {
      this.#cutString(start, start + longest - this.#partLength);
    }
    const length = to - start;
    this.#partLength += length;
    if (this.#state === 'cut string') this.#padding = this.#paddingAt(start, to);
    if (end === -1) return to;
    if (this.#state === 'string') this.#state = 'structure';
    else {
      const missing = this.#partLength - this.#partKept - this.#padding;
      const padding = '='.repeat(this.#padding + Math.min(0, missing));
      this.#leaveInFrom(end, missing > 0 ? leftOut(missing) + padding : padding);
    }
    return end + 1;
  }

  /** Cuts the string that goes on at `start` at `at`, but no character and no escape in two. */
  #cutString(start: number, at: number): void {
    this.#keepTo(at);
    const kept = this.#kept;
    const begin = kept.length - (this.#partLength + at - start);
    let end = kept.length;
    if (isContinuation(this.#bytes[at] as number)) {
      while (end > begin && isContinuation(kept.at(end - 1))) end--;
      end = Math.max(begin, end - 1);
    }
    let backslash = end - 1;
    const nearest = Math.max(begin, end - ESCAPE_LENGTH);
    while (backslash >= nearest && kept.at(backslash) !== BACKSLASH) backslash--;
    if (backslash >= nearest) {
      while (backslash > begin && kept.at(backslash - 1) === BACKSLASH) backslash--;
      end = backslash;
    }
    kept.shorten(kept.length - end);
    this.#partKept = end - begin;
    this.#padding = 0;
    this.#state = 'cut string';
  }

  #paddingAt(start: number, end: number): number {
    let padding = 0;
    while (padding < 2 && end - padding > start && this.#bytes[end - padding - 1] === EQUALS_SIGN) padding++;
    return padding === end - start ? Math.min(2, padding + this.#padding) : padding;
  }

  #beginList(start: number): number {
    const bytes = this.#bytes;
    let at = start;
    while (at < bytes.length && isBlank(bytes[at] as number)) at++;
    if (at === bytes.length) return at;
    const code = bytes[at] as number;
    this.#state = code === MINUS || (code >= ZERO && code <= NINE) ? 'numbers' : 'structure';
    this.#partLength = 0;
    return at;
  }

  #readNumbers(start: number): number {
    const found = this.#search.numbersEnd(start);
    const end = found === -1 ? this.#bytes.length : found;
    this.#noteComma(start, end);
    const length = this.#partLength + end - start;
    if (this.#state === 'numbers' && length > Math.min(this.#stringLength(), LONGEST_NUMBERS)) {
      this.#keepTo(start);
      this.#kept.shorten(this.#partLength);
      this.#state = 'cut numbers';
    }
    this.#partLength = length;
    if (found === -1) return end;
    if (this.#state === 'numbers') this.#state = 'structure';
    else this.#leaveInFrom(end, `"${leftOut(length)}"${this.#afterComma ? ',' : ''}`);
    return end;
  }

  #noteComma(start: number, end: number): void {
    let last = end - 1;
    while (last >= start && isBlank(this.#bytes[last] as number)) last--;
    if (last >= start) this.#afterComma = this.#bytes[last] === COMMA;
  }

  #skipRest(start: number): number {
    const end = this.#rest.end(this.#bytes, start);
    if (end === -1) return this.#bytes.length;
    this.#leaveInFrom(end, '');
    return end;
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
