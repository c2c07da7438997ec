import { NO_BYTES } from './growing-bytes.js';

export const QUOTE = 34;
export const OPEN_ARRAY = 91;
export const BACKSLASH = 92;
export const CLOSE_ARRAY = 93;
export const OPEN_OBJECT = 123;
export const CLOSE_OBJECT = 125;

/** Deeper JSON is not read. */
export const MAX_DEPTH = 10_000;

/** So many bytes are compared one by one before a search is called. */
const NEAR = 32;

/** Node's own search, which compares many bytes at once. */
const { Buffer: NodeBuffer } = globalThis as {
  Buffer?: { prototype: { indexOf(this: Uint8Array, byte: number, from: number): number } };
};
const indexOf = NodeBuffer?.prototype.indexOf ?? Uint8Array.prototype.indexOf;

/**
 * Finds where strings and numbers end in JSON that is received in chunks of UTF-8, cut anywhere. Each function looks in the current
 * chunk only, returns -1 if the end is not there, and goes on at the beginning of the next chunk.
 */
export class JsonSearch {
  #bytes: Uint8Array = NO_BYTES;
  /** Whether the last chunk ended with the backslash of an escape. */
  #afterBackslash = false;
  /** The next quote, opening and closing bracket after the numbers that were read last. */
  #nextQuote = -1;
  #nextOpening = -1;
  #nextClosing = -1;

  /** The next chunk. */
  in(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#nextQuote = -1;
    this.#nextOpening = -1;
    this.#nextClosing = -1;
  }

  /** The closing quote of the string that `start` is inside of. */
  stringEnd(start: number): number {
    const bytes = this.#bytes;
    let from = start;
    if (this.#afterBackslash) {
      this.#afterBackslash = false;
      from++;
    }
    for (;;) {
      const end = indexOf.call(bytes, QUOTE, from);
      const to = end === -1 ? bytes.length : end;
      let first = to;
      while (first > from && bytes[first - 1] === BACKSLASH) first--;
      const isEscaped = (to - first) % 2 === 1;
      if (end === -1) {
        this.#afterBackslash = isEscaped;
        return -1;
      }
      if (!isEscaped) return end;
      from = end + 1;
    }
  }

  /** The first bracket or quote after the numbers at `start`. An empty object counts as a number. */
  numbersEnd(start: number): number {
    const bytes = this.#bytes;
    for (let at = start; at < start + NEAR; at++) {
      const code = bytes[at];
      if (code === undefined) return -1;
      if (code === CLOSE_ARRAY || code === QUOTE || code === OPEN_ARRAY || code === OPEN_OBJECT) return at;
    }
    if (this.#nextQuote < start) this.#nextQuote = this.#next(QUOTE, start);
    if (this.#nextOpening < start) this.#nextOpening = this.#next(OPEN_ARRAY, start);
    if (this.#nextClosing < start) this.#nextClosing = this.#next(CLOSE_ARRAY, start);
    const end = Math.min(this.#nextQuote, this.#nextOpening, this.#nextClosing);
    if (end === this.#nextQuote) {
      // A quote may be that of an object.
      const object = indexOf.call(bytes.subarray(start, end), OPEN_OBJECT, 0);
      if (object !== -1) return start + object;
    }
    return end < bytes.length ? end : -1;
  }

  #next(byte: number, start: number): number {
    const index = indexOf.call(this.#bytes, byte, start);
    return index === -1 ? this.#bytes.length : index;
  }
}

export function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
