import { afterLineFeed, eachLine } from '../../util/lines.js';

const SPACE = 32;
const COLON = 58;

const OPENING_BRACE = 123;

/**
 * Reads server-sent events from text that is received in chunks, cut anywhere: LF, CR and CRLF, comments, data of many
 * lines. Memory is bounded: an event that is longer than `maxLength` characters is dropped and counted.
 *
 * Source: HTML Standard, "Server-sent events". What servers do differently is read too:
 * - The end of the stream ends an event: some servers send no empty line after their last one (`data: [DONE]`).
 * - An `error` event needs no data.
 * - A line that is a JSON object is an event of its own: Ollama's compatible endpoint and some gateways write an error
 *   into the stream without `data:`. So are the lines of an object from `{` to `}`: Google's gateway writes its errors so
 *   (`throwIfStreamErrorChunk` in `@google/genai`).
 * - A field `error` is an event with that name: llama.cpp wrote its errors so until 2025.
 */
export class SseParser {
  readonly #onEvent: (name: string, data: string) => void;
  readonly #maxLength: number;
  /** The line that is being received. Chunks are added to it, and not searched again. */
  #line = '';
  #name = '';
  /** The lines of a JSON object that is being received. */
  #object: string | undefined;
  #data: string | undefined;
  #tooLong = false;
  #afterCarriageReturn = false;
  #dropped = 0;

  /** `onEvent` gets each event's name (`''` if it has none) and its data. */
  constructor(onEvent: (name: string, data: string) => void, maxLength: number) {
    this.#onEvent = onEvent;
    this.#maxLength = maxLength;
  }

  /** How many events were too long to be read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether the next chunk begins with an event of its own. */
  get isBetweenEvents(): boolean {
    const isInEvent = this.#line !== '' || this.#name !== '' || this.#data !== undefined || this.#tooLong;
    return !isInEvent && !this.#afterCarriageReturn && this.#object === undefined;
  }

  push(chunk: string): void {
    if (chunk === '' || this.#isOneEvent(chunk)) return;
    const rest = eachLine(chunk, this.#afterCarriageReturn ? afterLineFeed(chunk) : 0, this.#endLine);
    this.#afterCarriageReturn = chunk.endsWith('\r');
    if (rest < chunk.length) this.#hold(chunk, rest);
  }

  /** Reads a chunk that is one event of one `data` line, as most are. Returns whether it is. */
  #isOneEvent(chunk: string): boolean {
    const end = chunk.length - 2;
    if (chunk.indexOf('\n') !== end || !chunk.endsWith('\n') || !chunk.startsWith('data: ')) return false;
    if (!this.isBetweenEvents || end > this.#maxLength || chunk.includes('\r')) return false;
    this.#onEvent('', chunk.slice(6, end));
    return true;
  }

  /** Nothing to do: each event is read as soon as it is complete. */
  readEarly(): void {}

  /** The stream is over: an event that its end cut off is read too. */
  end(): void {
    if (this.#line !== '') this.#endLine('', 0, 0);
    this.#dispatch();
  }

  #hold(chunk: string, start: number): void {
    if (this.#fits(this.#line.length + chunk.length - start)) this.#line += start === 0 ? chunk : chunk.slice(start);
    // A comment: an empty line would end the event.
    else this.#line = ':';
  }

  /** Whether the event still fits with another line of this length. If not, all of it is dropped. */
  #fits(lineLength: number): boolean {
    if (!this.#tooLong && lineLength + (this.#data?.length ?? 0) <= this.#maxLength) return true;
    this.#tooLong = true;
    this.#data = undefined;
    return false;
  }

  readonly #endLine = (chunk: string, start: number, end: number): void => {
    if (this.#line === '') {
      this.#readLine(chunk, start, end);
      return;
    }
    const line = this.#line + chunk.slice(start, end);
    this.#line = '';
    this.#readLine(line, 0, line.length);
  };

  #readLine(source: string, start: number, end: number): void {
    if (this.#object !== undefined) {
      this.#addToObject(source.slice(start, end));
      return;
    }
    if (start === end) {
      this.#dispatch();
      return;
    }
    if (!this.#fits(end - start)) return;
    if (source.startsWith('data', start)) {
      const value = fieldValue(source, start + 4, end);
      if (value !== undefined) this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    } else if (source.startsWith('event', start)) {
      this.#name = fieldValue(source, start + 5, end) ?? this.#name;
    } else if (source.charCodeAt(start) === OPENING_BRACE) {
      this.#dispatch();
      if (end - start === 1) this.#object = '{';
      else this.#onEvent('', source.slice(start, end));
    } else if (source.startsWith('error', start)) {
      const value = fieldValue(source, start + 5, end);
      if (value === undefined) return;
      this.#dispatch();
      this.#onEvent('error', value);
    }
  }

  /** An empty line shows that it was none. */
  #addToObject(line: string): void {
    const object = this.#object + line;
    const isEnd = line.startsWith('}');
    this.#object = isEnd || line === '' || object.length > this.#maxLength ? undefined : object;
    if (isEnd) this.#onEvent('', object);
  }

  #dispatch(): void {
    const name = this.#name;
    const data = this.#data;
    this.#name = '';
    this.#data = undefined;
    if (this.#tooLong) {
      this.#tooLong = false;
      this.#dropped++;
    } else if (data !== undefined || name === 'error') {
      this.#onEvent(name, data ?? '');
    }
  }
}

/** The value of the field whose name ends at `nameEnd`; `undefined` if the name does not end there. */
function fieldValue(source: string, nameEnd: number, end: number): string | undefined {
  if (nameEnd === end) return '';
  if (source.charCodeAt(nameEnd) !== COLON) return undefined;
  const start = nameEnd + 1;
  return source.slice(start < end && source.charCodeAt(start) === SPACE ? start + 1 : start, end);
}
