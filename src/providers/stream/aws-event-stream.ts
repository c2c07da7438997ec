import { object, parseJson } from '../../util/json-fields.js';

/** The lengths of the whole message and of its headers, and a checksum of the two: 4 bytes each. */
const PRELUDE_LENGTH = 12;
const CHECKSUM_LENGTH = 4;

/** The sizes of header values by their type; types 6 and 7 have their length in front. */
const VALUE_SIZES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];
const STRING_TYPE = 7;

/**
 * Reads an AWS event stream (`application/vnd.amazon.eventstream`) that is received in chunks, cut anywhere. Memory is
 * bounded: a message that is longer than `maxLength` bytes is dropped and counted. The checksum of each prelude tells
 * messages from other bytes; the checksum of the whole message is left to the client.
 *
 * Source: docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html and smithy.io, "Amazon event stream
 * specification".
 */
export class AwsEventStream {
  readonly #onEvent: (name: string, data: string) => void;
  readonly #maxLength: number;
  readonly #decoder = new TextDecoder();
  /** The bytes of the message that is being received. */
  #held: Uint8Array[] = [];
  #heldLength = 0;
  /** The length of that message; 0 until its prelude was received. */
  #length = 0;
  /** How many bytes of a message that is too long are still to come. */
  #skip = 0;
  /** Whether something else than a message was received. */
  #broken = false;
  dropped = 0;

  /**
   * `onEvent` gets each event's type and its payload as text. An exception gets the name `error`, and its type as the
   * payload's `code`.
   */
  constructor(onEvent: (name: string, data: string) => void, maxLength: number) {
    this.#onEvent = onEvent;
    this.#maxLength = maxLength;
  }

  /** Nothing to do: this body is not text. */
  push(): void {}

  /** Nothing to do: each message is read as soon as it is complete. */
  readEarly(): void {}

  /** Nothing to do: a message that the end cut off is none. */
  end(): void {}

  pushBytes(bytes: Uint8Array): void {
    let rest = this.#skipped(bytes);
    while (rest.length > 0 && !this.#broken) {
      const needed = this.#length || PRELUDE_LENGTH;
      const taken = rest.subarray(0, needed - this.#heldLength);
      // A copy, because the buffer goes on to the consumer. (`slice` of a Node Buffer would not copy.)
      this.#held.push(new Uint8Array(taken));
      this.#heldLength += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#heldLength < needed) return;
      if (this.#length === 0) rest = this.#skipped(rest, this.#readPrelude());
      else this.#read(this.#takeHeld());
    }
  }

  /** What is left of a chunk without the bytes of a message that is too long. */
  #skipped(bytes: Uint8Array, more = 0): Uint8Array {
    this.#skip += more;
    const count = Math.min(this.#skip, bytes.length);
    this.#skip -= count;
    return bytes.subarray(count);
  }

  /** Learns the message's length. Returns how many bytes of it are to be skipped. */
  #readPrelude(): number {
    const prelude = this.#takeHeld();
    const length = viewOf(prelude).getUint32(0);
    this.#broken = length < PRELUDE_LENGTH + CHECKSUM_LENGTH || viewOf(prelude).getUint32(8) !== crc32(prelude, 8);
    if (this.#broken) return 0;
    if (length > this.#maxLength) {
      this.dropped++;
      return length - PRELUDE_LENGTH;
    }
    this.#length = length;
    this.#held = [prelude];
    this.#heldLength = prelude.length;
    return 0;
  }

  #takeHeld(): Uint8Array {
    const bytes = new Uint8Array(this.#heldLength);
    let offset = 0;
    for (const part of this.#held) {
      bytes.set(part, offset);
      offset += part.length;
    }
    this.#held = [];
    this.#heldLength = 0;
    this.#length = 0;
    return bytes;
  }

  #read(message: Uint8Array): void {
    const payloadAt = PRELUDE_LENGTH + viewOf(message).getUint32(4);
    const headers = this.#readHeaders(message.subarray(PRELUDE_LENGTH, payloadAt));
    const payload = this.#decoder.decode(message.subarray(payloadAt, message.length - CHECKSUM_LENGTH));
    const type = headers.get(':message-type');
    if (type === undefined || type === 'event') {
      this.#onEvent(headers.get(':event-type') ?? '', payload);
      return;
    }
    const code = headers.get(':exception-type') ?? headers.get(':error-code');
    const text = headers.get(':error-message');
    const details = { ...object(parseJson(payload)), ...(text && { message: text }), ...(code && { code }) };
    this.#onEvent('error', JSON.stringify(details));
  }

  /** The headers that are text. */
  #readHeaders(bytes: Uint8Array): ReadonlyMap<string, string> {
    const headers = new Map<string, string>();
    const view = viewOf(bytes);
    for (let at = 0; at < bytes.length; ) {
      const nameLength = view.getUint8(at);
      const typeAt = at + 1 + nameLength;
      if (typeAt >= bytes.length) break;
      const type = view.getUint8(typeAt);
      const size = VALUE_SIZES[type];
      if (size === undefined && typeAt + 3 > bytes.length) break;
      const valueAt = typeAt + (size === undefined ? 3 : 1);
      const end = valueAt + (size ?? view.getUint16(typeAt + 1));
      if (type === STRING_TYPE) {
        const name = this.#decoder.decode(bytes.subarray(at + 1, typeAt));
        headers.set(name, this.#decoder.decode(bytes.subarray(valueAt, end)));
      }
      at = end;
    }
    return headers;
  }
}

/** The CRC-32 of the first `length` bytes. */
function crc32(bytes: Uint8Array, length: number): number {
  let crc = 0xffffffff;
  for (let at = 0; at < length; at++) {
    crc ^= bytes[at] as number;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
