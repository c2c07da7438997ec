const FIRST_CAPACITY = 1024;

/** The beginning of a body, copied into one buffer that grows: a copy of each chunk would be an object a chunk. */
export class ByteBuffer {
  readonly #max: number;
  #bytes = new Uint8Array(0);
  #length = 0;
  #isCut = false;

  /** No more than `max` bytes are kept. */
  constructor(max: number) {
    this.#max = max;
  }

  get length(): number {
    return this.#length;
  }

  add(chunk: Uint8Array): void {
    if (this.#isCut) return;
    const room = this.#max - this.#length;
    this.#isCut = chunk.length > room;
    const part = this.#isCut ? chunk.subarray(0, room) : chunk;
    this.#makeRoom(this.#length + part.length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  /** As text; a character that the bound cuts through is left out. */
  text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#length), { stream: this.#isCut });
  }

  #makeRoom(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#max, Math.max(length, 2 * this.#bytes.length, FIRST_CAPACITY)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
