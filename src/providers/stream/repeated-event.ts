import { isPlainText, RepeatedJson } from '../../util/repeated-json.js';
import { decodeWhole } from './utf8.js';

/**
 * Recognizes the events of a stream that differ from an earlier one in nothing but the text of one field, as most do. Such an event need not be
 * parsed: what it does is what the earlier one did, with another text.
 */
export class RepeatedEvent {
  readonly #field: string;
  #earlier: RepeatedJson | undefined;

  /** `name`: the field's. */
  constructor(name: string) {
    this.#field = `"${name}"`;
  }

  /** The earlier event. */
  get earlier(): RepeatedJson | undefined {
    return this.#earlier;
  }

  /**
   * `event`, which is JSON, is the earlier event from now on, if it has the field once and nothing in it needs an escape. Returns whether it is;
   * if not, the one before still is.
   */
  learn(event: string): boolean {
    const nameAt = event.indexOf(this.#field);
    const nameEnd = nameAt + this.#field.length;
    if (nameAt === -1 || event.includes(this.#field, nameEnd) || event.includes('\\')) return false;
    const start = event.indexOf('"', nameEnd) + 1;
    const end = event.indexOf('"', start);
    if (start === 0 || end === -1 || event.slice(nameEnd, start).replace(/\s+/g, '') !== ':"') return false;
    this.#earlier = new RepeatedJson(event, start, end);
    return true;
  }

  /** The text of an event that is otherwise the earlier one; `undefined` if it has to be parsed. */
  textOf(event: string): string | undefined {
    const start = this.#earlier?.textAt(event) ?? -1;
    return start === -1 ? undefined : event.slice(start, event.indexOf('"', start));
  }
}

/** What a chunk that is one server-sent event has before and behind the event's data. An error is read each time. */
const FIELDS = /^(?:event: (?!error)\w+\n)?data: $/;
const END = '\n\n';

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const encoder = /* @__PURE__ */ new TextEncoder();
const END_BYTES = /* @__PURE__ */ encoder.encode(END);

/**
 * Recognizes the chunks of a stream that are one event and differ from an earlier chunk in nothing but the text of one field, as most do. They are
 * compared byte by byte: to decode a chunk and to search its text takes five times as long.
 */
export class RepeatedChunk {
  #event: RepeatedJson | undefined;
  #before: Uint8Array | undefined;
  #behind = END_BYTES;

  /** `chunk` is the earlier chunk from now on, if it is this event alone. */
  learn(chunk: string, event: RepeatedJson | undefined): void {
    if (event === this.#event && this.#before) return;
    this.#event = event;
    this.#before = undefined;
    if (!event) return;
    const [head = '', ...numbered] = event.before;
    const start = chunk.indexOf(head);
    const textAt = start + head.length;
    const behind = event.behind + END;
    if (numbered.length > 0 || start === -1 || !FIELDS.test(chunk.slice(0, start)) || !chunk.endsWith(behind)) return;
    if (textAt > chunk.length - behind.length || !isPlainText(chunk.slice(textAt, -behind.length))) return;
    this.#before = encoder.encode(chunk.slice(0, textAt));
    this.#behind = encoder.encode(behind);
  }

  /** Whether the chunk is the earlier one but for the text. */
  matches(bytes: Uint8Array): boolean {
    const before = this.#before;
    if (before === undefined) return false;
    const textEnd = bytes.length - this.#behind.length;
    if (textEnd < before.length) return false;
    return hasAt(bytes, 0, before) && isPlain(bytes, before.length, textEnd) && hasAt(bytes, textEnd, this.#behind);
  }

  /** The text of a chunk that matches. */
  textOf(bytes: Uint8Array): string {
    return decodeWhole(bytes.subarray(this.#before?.length, bytes.length - this.#behind.length));
  }
}

function hasAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

/** Whether the bytes neither end a JSON string nor begin an escape, nor have to be escaped. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) return false;
  }
  return true;
}
