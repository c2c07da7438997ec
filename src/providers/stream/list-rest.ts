import { NO_BYTES } from './growing-bytes.js';
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, isBlank, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-search.js';

const COMMA = 44;
const COLON = 58;

/** A bracket that is nearer is not jumped to: what is before it is read, and as much of what follows. */
const NEAR = 512;

type Search = (this: Uint8Array, byte: number, from: number) => number;

/** Node's own search, which compares many bytes at once. */
const { Buffer: NodeBuffer } = globalThis as { Buffer?: { prototype: { indexOf: Search; lastIndexOf: Search } } };
const indexOf: Search = NodeBuffer?.prototype.indexOf ?? Uint8Array.prototype.indexOf;
const lastIndexOf: Search = NodeBuffer?.prototype.lastIndexOf ?? Uint8Array.prototype.lastIndexOf;

/**
 * Finds where a list ends whose elements are not needed, in JSON that is received in chunks of UTF-8, cut anywhere.
 *
 * Only the brackets of lists matter for that, so the search jumps from bracket to bracket. Whether one is in a string is seen from the quotes
 * before it: a quote that something else precedes than a string begins after closes one, and a quote that something else follows than comes
 * after a string opens one. Text that is no JSON may have any end.
 */
export class ListRest {
  /** How many lists are open inside of the list. */
  #depth = 0;
  #isInString = false;
  /** Whether the last chunk ended with the backslash of an escape. */
  #isAfterBackslash = false;
  #bytes: Uint8Array = NO_BYTES;

  /** The closing bracket of the list that `start` is inside of, or the next chunk begins inside of; -1 if it is not in `bytes`. */
  end(bytes: Uint8Array, start: number): number {
    this.#bytes = bytes;
    let at = this.#isAfterBackslash ? start + 1 : start;
    let opening = -1;
    let closing = -1;
    let quote = -1;
    while (at < bytes.length) {
      if (opening < at) opening = this.#next(OPEN_ARRAY, at);
      if (closing < at) closing = this.#next(CLOSE_ARRAY, at);
      const bracket = Math.min(opening, closing);
      if (bracket < at + NEAR) at = this.#read(at, at + NEAR);
      else {
        if (quote < at) quote = this.#next(QUOTE, at);
        if (quote < bracket) this.#isInString = this.#isStringAt(bracket, at);
        at = bracket === bytes.length ? this.#behindEscape(at) : this.#read(bracket, bracket + 1);
      }
      if (this.#depth < 0) {
        this.#depth = 0;
        this.#isAfterBackslash = false;
        return at;
      }
    }
    this.#isAfterBackslash = at > bytes.length;
    return -1;
  }

  /** Reads from `start` to `end`, or the end of the list. Returns where, which may be further. */
  #read(start: number, end: number): number {
    const bytes = this.#bytes;
    const { length } = bytes;
    let at = start;
    while (at < end && at < length) {
      if (this.#isInString) {
        const quote = this.#next(QUOTE, at);
        if (quote === length) return this.#behindEscape(at);
        this.#isInString = this.#isEscaped(quote, at);
        at = quote + 1;
        continue;
      }
      const code = bytes[at];
      if (code === QUOTE) this.#isInString = true;
      else if (code === OPEN_ARRAY) this.#depth++;
      else if (code === CLOSE_ARRAY && --this.#depth < 0) return at;
      at++;
    }
    return at;
  }

  /** The end of the chunk, or behind it if that is the backslash of an escape. What it is at `known` has been read. */
  #behindEscape(known: number): number {
    const { length } = this.#bytes;
    return this.#isEscaped(length, known) ? length + 1 : length;
  }

  #next(byte: number, from: number): number {
    const index = indexOf.call(this.#bytes, byte, from);
    return index === -1 ? this.#bytes.length : index;
  }

  /** Whether `at` is in a string. What it is at `known` has been read, which is before `at`. */
  #isStringAt(at: number, known: number): boolean {
    let isToggled = false;
    for (let end = at; end > known; ) {
      const quote = lastIndexOf.call(this.#bytes, QUOTE, end - 1);
      if (quote < known) break;
      if (this.#isEscaped(quote, known) || !this.#mayClose(quote)) return !isToggled;
      if (!this.#mayOpen(quote)) return isToggled;
      isToggled = !isToggled;
      end = quote;
    }
    return this.#isInString !== isToggled;
  }

  /** Whether an odd number of backslashes is before `at`. */
  #isEscaped(at: number, known: number): boolean {
    let first = at;
    while (first > known && this.#bytes[first - 1] === BACKSLASH) first--;
    return (at - first) % 2 === 1;
  }

  #mayOpen(quote: number): boolean {
    let before = quote - 1;
    while (before >= 0 && isBlank(this.#bytes[before] as number)) before--;
    const code = this.#bytes[before];
    return before < 0 || code === COMMA || code === COLON || code === OPEN_OBJECT || code === OPEN_ARRAY;
  }

  #mayClose(quote: number): boolean {
    const { length } = this.#bytes;
    let after = quote + 1;
    while (after < length && isBlank(this.#bytes[after] as number)) after++;
    const code = this.#bytes[after];
    return after >= length || code === COMMA || code === COLON || code === CLOSE_OBJECT || code === CLOSE_ARRAY;
  }
}
