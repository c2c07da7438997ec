const FIRST_CAPACITY = 1024;

export const NO_BYTES: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** Made when it is needed: an import must not fail where there is none (Jest with jsdom). */
let decoder: TextDecoder | undefined;

/** The text of bytes in UTF-8. */
export function decode(bytes: Uint8Array): string {
  decoder ??= new TextDecoder();
  return decoder.decode(bytes);
}

/** Bytes that are copied into one buffer, which grows: a copy of each part would be an object a part. */
export class GrowingBytes {
  readonly #firstCapacity: number;
  #bytes: Uint8Array = NO_BYTES;
  #length = 0;

  constructor(firstCapacity = FIRST_CAPACITY) {
    this.#firstCapacity = firstCapacity;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds `bytes` from `start` up to `end`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end) return;
    this.#makeRoom(end - start);
    this.#bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  addAscii(text: string): void {
    this.#makeRoom(text.length);
    for (let at = 0; at < text.length; at++) this.#bytes[this.#length++] = text.charCodeAt(at);
  }

  /** The byte at `at`. */
  at(at: number): number {
    return this.#bytes[at] as number;
  }

  /** Removes the last `count` bytes. */
  shorten(count: number): void {
    this.#length -= count;
  }

  /** The bytes so far, not copied. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** As text, without a byte order mark. */
  text(): string {
    return decode(this.bytes());
  }

  #makeRoom(more: number): void {
    const length = this.#length + more;
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length, this.#firstCapacity));
    grown.set(this.bytes());
    this.#bytes = grown;
  }
}
