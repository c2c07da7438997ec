import { object, parseJson } from '../../util/json-fields.js';
import type { Answer, AnswerReader } from '../format.js';
import { JsonElements } from './json-elements.js';
import { SseParser } from './server-sent-events.js';
import { Utf8Decoder } from './utf8.js';

/** The first character that is no blank: it tells JSON from everything else. */
const FIRST_CHARACTER = /[^\s]/;

export interface ObserverOptions {
  /** The longest whole answer, or single event, that is read, in characters. */
  readonly maxLength: number;
  /** Whether the attributes of one provider belong to this one. */
  readonly extra: boolean;
}

/**
 * Reads a model's answer while its body passes by. Keeps none of the bytes that it is shown, and throws nothing.
 *
 * What the body is, is told by its first character, not by its content type, which gateways get wrong: `{` is a whole
 * answer, `[` a stream of JSON objects, anything else is read as server-sent events. So a body that is none of the
 * three (HTML, nothing at all) is one without an event, and not complete.
 */
export class ResponseReader {
  readonly #reader: AnswerReader;
  readonly #options: ObserverOptions;
  readonly #decoder = new Utf8Decoder();
  #body: BodyReader | undefined;
  #ended = false;

  constructor(reader: AnswerReader, options: ObserverOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  /**
   * The next bytes of the body, as they were received (after content decoding). They may be changed or transferred
   * after the call.
   */
  chunk(bytes: Uint8Array): void {
    if (!this.#ended) this.#push(this.#decoder.decode(bytes));
  }

  /** The body ended by itself. Not to be called if it broke off or was cancelled. */
  end(): void {
    if (this.#ended) return;
    this.#push(this.#decoder.end());
    this.#ended = true;
    this.#body?.end();
    this.#reader.end();
  }

  /** What is known so far; at any time, as often as wanted. */
  answer(): Answer {
    if (!this.#ended) this.#body?.readEarly();
    const answer = this.#reader.answer();
    if (!this.#options.extra) delete answer.response.extra;
    // What was too long to be read may well have been the last event.
    if (this.#ended && this.#body?.dropped && !answer.error) answer.complete = true;
    return answer;
  }

  #push(text: string): void {
    if (!this.#body) {
      const first = FIRST_CHARACTER.exec(text)?.[0];
      if (first === undefined) return;
      this.#body = openBody(first, this.#reader, this.#options.maxLength);
    }
    this.#body.push(text);
  }
}

/** Reads one kind of body from its text, chunk by chunk. */
interface BodyReader {
  push(chunk: string): void;
  /** Reads what was received completely, although the body has not ended. */
  readEarly(): void;
  /** The body ended by itself. */
  end(): void;
  /** How much was too long to be read: events, or the whole body. */
  readonly dropped: number;
}

function openBody(firstCharacter: string, reader: AnswerReader, maxLength: number): BodyReader {
  if (firstCharacter === '{') return new WholeAnswer(reader, maxLength);
  if (firstCharacter === '[') return new JsonElements((json) => reader.event('', json), maxLength);
  return new SseParser((name, data) => reader.event(name, data), maxLength);
}

class WholeAnswer implements BodyReader {
  readonly #reader: AnswerReader;
  readonly #maxLength: number;
  #text = '';
  #wasRead = false;
  dropped = 0;

  constructor(reader: AnswerReader, maxLength: number) {
    this.#reader = reader;
    this.#maxLength = maxLength;
  }

  push(chunk: string): void {
    if (this.#text.length + chunk.length > this.#maxLength) this.dropped = 1;
    this.#text = this.dropped ? '' : this.#text + chunk;
  }

  /** A consumer that knows the body's length may read all of it, and never ask whether there is more. */
  readEarly(): void {
    if (this.#text.trimEnd().endsWith('}')) this.#read();
  }

  end(): void {
    this.#read();
    this.#text = '';
  }

  #read(): void {
    const body = this.#wasRead ? undefined : object(parseJson(this.#text));
    if (!body) return;
    this.#wasRead = true;
    this.#reader.whole(body);
  }
}
