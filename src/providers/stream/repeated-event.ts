import { encode } from '../../util/byte-length.js';
import { type Gap, RepeatedJson } from '../../util/repeated-json.js';
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
const FIELDS = /^(?:event: (?!error)[\w.]+\n)?data: $/;
const END = '\n\n';

const SPACE = 0x20;
const QUOTE = 0x22;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;

/**
 * Recognizes the chunks of a stream that are one event and differ from an earlier chunk in nothing but the text of one field, as most do. They are
 * compared byte by byte: to decode a chunk and to search its text takes five times as long.
 */
export class RepeatedChunk {
  #event: RepeatedJson | undefined;
  /** The parts of the event, with its fields and its end. */
  #parts: { readonly gap: Gap; readonly bytes: Uint8Array }[] = [];
  #textStart = 0;
  #textEnd = 0;

  /** `chunk` is the earlier chunk from now on, if it is this event alone. */
  learn(chunk: string, event: RepeatedJson | undefined): void {
    if (event === this.#event && this.#parts.length > 0) return;
    this.#event = event;
    this.#parts = [];
    const dataAt = chunk.indexOf('data: ') + 'data: '.length;
    const fields = chunk.slice(0, dataAt);
    if (!event || !FIELDS.test(fields) || !chunk.endsWith(END)) return;
    if (event.textAt(chunk.slice(dataAt, -END.length)) === -1) return;
    const { parts } = event;
    this.#parts = parts.map(({ gap, json }, at) => ({
      gap,
      bytes: encode((at === 0 ? fields : '') + json + (at === parts.length - 1 ? END : '')),
    }));
  }

  /** Whether the chunk is the earlier one but for the text. */
  matches(chunk: Uint8Array): boolean {
    let at = 0;
    for (const { gap, bytes } of this.#parts) {
      const start = at;
      at = gapEnd(chunk, start, gap);
      if (gap === 'text') {
        this.#textStart = start;
        this.#textEnd = at;
      }
      if (at === -1) return false;
      for (let i = 0; i < bytes.length; i++) if (chunk[at + i] !== bytes[i]) return false;
      at += bytes.length;
    }
    return this.#parts.length > 0 && at === chunk.length;
  }

  /** The text of the chunk that matched last. */
  textOf(bytes: Uint8Array): string {
    return decodeWhole(bytes.subarray(this.#textStart, this.#textEnd));
  }
}

/** Where a gap ends, as `RepeatedJson` finds it in a text; -1 if something else is there. */
function gapEnd(bytes: Uint8Array, start: number, gap: Gap): number {
  if (gap === 'none') return start;
  return gap === 'number' ? numberEnd(bytes, start) : plainEnd(bytes, start);
}

function numberEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] === ZERO) return start + 1;
  let at = start;
  for (let byte = bytes[at]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[at]) at++;
  return at > start ? at : -1;
}

/** Where a byte stands that ends a JSON string, begins an escape, or has to be escaped. */
function plainEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  for (
    let byte = bytes[at];
    byte !== undefined && byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH;
    byte = bytes[at]
  )
    at++;
  return at;
}
