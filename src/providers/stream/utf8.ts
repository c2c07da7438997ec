const NOTHING = /* @__PURE__ */ new Uint8Array(0);

/** One for all: to make one costs as much as to decode a few short chunks. Not made before: some platforms have none (Jest with jsdom). */
let decoder: TextDecoder | undefined;

/** The text of bytes that begin and end with a character. */
export function decodeWhole(bytes: Uint8Array): string {
  decoder ??= new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.decode(bytes);
}

/**
 * Decodes UTF-8 that is received in chunks, cut anywhere. It holds at most three bytes of a chunk: the beginning of a
 * character that the chunk's end cut off. A byte order mark at the beginning is left out.
 *
 * `TextDecoder` can do this with `stream: true`, but that is its slow path in Node 20: it takes twice the time for a
 * short chunk, and its strings take longer to parse. So every chunk is decoded as a whole text.
 */
export class Utf8Decoder {
  #rest = NOTHING;
  #started = false;

  /** Whether it holds no part of a character. */
  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  /** The text of the next bytes. */
  decode(bytes: Uint8Array): string {
    const all = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes);
    const end = all.length - cutOffLength(all);
    // A copy, because the buffer goes on to the consumer. (`slice` of a Node Buffer would not copy.)
    this.#rest = end === all.length ? NOTHING : new Uint8Array(all.subarray(end));
    return this.#text(end === all.length ? all : all.subarray(0, end));
  }

  /** The text of the bytes that are still held: a replacement character, if the body ended inside of a character. */
  end(): string {
    const rest = this.#rest;
    this.#rest = NOTHING;
    return this.#text(rest);
  }

  #text(bytes: Uint8Array): string {
    if (bytes.length === 0) return '';
    const text = decodeWhole(bytes);
    if (this.#started) return text;
    this.#started = true;
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }
}

/** How many bytes at the end of `bytes` are the beginning of a character that was cut off. */
function cutOffLength(bytes: Uint8Array): number {
  for (let length = 1; length <= 3 && length <= bytes.length; length++) {
    const byte = bytes[bytes.length - length] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const characterLength = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return characterLength > length ? length : 0;
    }
  }
  return 0;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
