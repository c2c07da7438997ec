import type { ModelRequest } from '../../otel/genai.js';
import { eachEncodedPart } from '../../util/byte-length.js';
import { object, parseJson } from '../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { AwsEventStream } from './aws-event-stream.js';
import { excerpt } from './excerpt.js';
import { contentExtent, type Extent, FACTS } from './extent.js';
import { JsonElements } from './json-elements.js';
import { JsonExcerpt } from './json-excerpt.js';
import { RepeatedChunk } from './repeated-event.js';
import { SseParser } from './server-sent-events.js';
import { Utf8Decoder } from './utf8.js';

/** The first character that is not blank tells how a body of text is framed. */
const FIRST_CHARACTER = /[^\s]/;

/** How a server-sent event begins: a field, or a comment. */
const EVENT_CHARACTER = /[deir:]/;

/** Google's compatible endpoint puts an error into a list, also where an event is expected. */
const LIST = /^\s*\[\s*\{/;

/** How a page begins that a proxy sends in place of an answer. */
const PAGE = /^\s*<(?:!doctype|html|head|body)\b/i;

const OPENING_BRACE = 123;

/** The first byte of an AWS event stream: the highest byte of a message's length, which is below 16 MiB. */
const AWS_FIRST_BYTE = 0;

export interface ReadOptions {
  readonly request: ModelRequest;
  /** The response's headers, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether output messages are read. */
  readonly content: boolean;
  /** How much of them is recorded, in characters. */
  readonly contentLength: number;
  /** Whether the response has the attributes of one provider (`ModelResponse.extra`). */
  readonly extra: boolean;
  /** The longest whole response, or single event, that is read, in characters. */
  readonly maxLength: number;
}

/**
 * Reads a model's response while its body passes by. It does not hold on to the bytes that it is given, and never
 * throws.
 *
 * The first byte tells how the body is framed, because gateways get the content type wrong: NUL begins an AWS event
 * stream, `{` a whole response (or a sequence of JSON objects, if the format has those), `[` a list of JSON objects.
 * Everything else is read as server-sent events. So HTML, or an empty body, is a stream without an event, and not
 * complete.
 */
export class ResponseReader {
  readonly #format: WireFormat;
  readonly #reader: FormatReader;
  readonly #options: ReadOptions;
  readonly #extent: Extent;
  readonly #decoder = new Utf8Decoder();
  /** Reads the bytes of the body, and needs no text. */
  #ofBytes: AwsEventStream | WholeResponse | undefined;
  #body: BodyReader | undefined;
  readonly #repeated = new RepeatedChunk();
  #receivedBytes = 0;
  #isPage = false;
  #ended = false;

  constructor(format: WireFormat, options: ReadOptions) {
    this.#format = format;
    this.#options = options;
    this.#reader = format.openReader(options.content, options.request, options.headers);
    this.#extent = options.content ? contentExtent(options.contentLength, FACTS) : FACTS;
  }

  /**
   * The next bytes of the body, as they were received (after content decoding). They may be changed or transferred
   * after the call.
   */
  chunk(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    this.#receivedBytes += bytes.length;
    if (bytes.length <= this.#options.maxLength && this.#repeated.matches(bytes)) {
      if (this.#options.content) this.#reader.repeat?.(this.#repeated.textOf(bytes));
      return;
    }
    if (!this.#body) {
      this.#ofBytes = this.#openBytes(bytes);
      this.#body = this.#ofBytes;
    }
    if (this.#ofBytes) this.#ofBytes.pushBytes(bytes);
    else this.#pushText(bytes);
  }

  #pushText(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes);
    this.#push(text);
    const isBetweenEvents = this.#body instanceof SseParser && this.#body.isBetweenEvents && this.#decoder.isEmpty;
    this.#repeated.learn(text, isBetweenEvents ? this.#reader.repeated : undefined);
  }

  /** The body ended by itself. Do not call it if the body broke off or was cancelled. */
  end(): void {
    if (this.#ended) return;
    if (!this.#ofBytes) this.#push(this.#decoder.end());
    this.#ended = true;
    this.#body?.end();
    this.#reader.end(this.#isPage ? 0 : this.#receivedBytes);
  }

  /** What was read so far. It can be called at any time, and more than once. */
  answer(): Answer {
    if (!this.#ended) this.#body?.readEarly();
    const answer = this.#reader.answer();
    if (!this.#options.extra) delete answer.response.extra;
    // An event that was too long to be read may have been the last one.
    if (this.#ended && this.#body?.dropped && !answer.error) answer.complete = true;
    return answer;
  }

  #openBytes(bytes: Uint8Array): AwsEventStream | WholeResponse | undefined {
    const { maxLength } = this.#options;
    if (bytes[0] === AWS_FIRST_BYTE) return new AwsEventStream((name, data) => this.#event(name, data), maxLength);
    if (bytes[0] !== OPENING_BRACE || this.#format.framing === 'json-lines') return undefined;
    return new WholeResponse(this.#reader, this.#extent, maxLength);
  }

  #push(text: string): void {
    if (!this.#body) {
      const first = FIRST_CHARACTER.exec(text)?.[0];
      if (first === undefined) return;
      this.#isPage = PAGE.test(text);
      this.#body = this.#openBody(first);
    }
    this.#body.push(text);
  }

  /** Of a long event that is no JSON, the beginning is enough: it may be an error's text. */
  #event(name: string, data: string): void {
    const { whole } = this.#extent;
    if (LIST.test(data)) {
      const list = parseJson(data);
      if (Array.isArray(list)) {
        for (const event of list) this.#reader.event(name, JSON.stringify(event));
        return;
      }
    }
    this.#reader.event(name, data.length <= whole ? data : (excerpt(data, this.#extent).json ?? data.slice(0, whole)));
  }

  #openBody(firstCharacter: string): BodyReader {
    const { maxLength } = this.#options;
    const onEvent = (name: string, data: string) => this.#event(name, data);
    const elements = (depth: 0 | 1) => new JsonElements((json) => onEvent('', json), maxLength, depth);
    if (firstCharacter === '[') return elements(1);
    if (firstCharacter !== '{' && this.#format.framing === 'bytes' && !EVENT_CHARACTER.test(firstCharacter))
      return UNREAD;
    if (firstCharacter !== '{') return new SseParser(onEvent, maxLength);
    return this.#format.framing === 'json-lines'
      ? elements(0)
      : new WholeResponse(this.#reader, this.#extent, maxLength);
  }
}

/** Reads one kind of body, chunk by chunk. */
interface BodyReader {
  push(text: string): void;
  /** Reads what was received completely, although the body has not ended. */
  readEarly(): void;
  /** The body ended by itself. */
  end(): void;
  /** How many events were too long to be read, or 1 for a whole body. */
  readonly dropped: number;
}

/** A body that is neither JSON nor events. */
const UNREAD: BodyReader = { push() {}, readEarly() {}, end() {}, dropped: 0 };

class WholeResponse implements BodyReader {
  readonly #reader: FormatReader;
  readonly #maxLength: number;
  readonly #excerpt: JsonExcerpt;
  #wasRead = false;
  dropped = 0;

  constructor(reader: FormatReader, extent: Extent, maxLength: number) {
    this.#reader = reader;
    this.#maxLength = maxLength;
    this.#excerpt = new JsonExcerpt(extent);
  }

  push(text: string): void {
    eachEncodedPart(text, (bytes) => this.pushBytes(bytes));
  }

  pushBytes(bytes: Uint8Array): void {
    if (this.#excerpt.length + bytes.length > this.#maxLength) this.dropped = 1;
    if (!this.dropped) this.#excerpt.push(bytes);
  }

  /** A consumer that knows the body's length may read all of it, and never ask whether there is more. */
  readEarly(): void {
    this.end();
  }

  end(): void {
    if (this.#wasRead || this.dropped) return;
    const json = this.#excerpt.text();
    const body = json === undefined ? undefined : object(parseJson(json));
    if (!body) return;
    this.#wasRead = true;
    this.#reader.whole(body);
  }
}
