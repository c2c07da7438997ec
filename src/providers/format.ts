import type { ModelRequest, ModelResponse, Usage } from '../otel/genai.js';
import type { JsonObject } from '../util/json-fields.js';

/** One model API's wire format: how to know its calls, and how to read them and their answers. No method throws. */
export interface Protocol {
  /** The `gen_ai.provider.name` where the host says nothing. */
  readonly provider: string;
  /**
   * The `gen_ai.operation.name` of a call to this path (without query); `undefined` if it is none of this protocol's.
   */
  operation(path: string): string | undefined;
  /** Whether a body has the shape of such a call. */
  accepts(path: string, body: JsonObject): boolean;
  /** Reads the request; messages, system and tools only if `content`. A body that could not be read is `{}`. */
  readRequest(path: string, body: JsonObject, content: boolean): ModelRequest;
  /** Makes a reader for one answer; output messages only if `content`. */
  openAnswer(content: boolean): AnswerReader;
}

/** Reads one answer of a model, whole or event by event. No method throws. */
export interface AnswerReader {
  /** A whole JSON answer. */
  whole(body: JsonObject): void;
  /** One event of a stream; `name` is the SSE event's name, `''` if it has none. */
  event(name: string, data: string): void;
  /** The stream ended by itself; it was not broken off. */
  end(): void;
  /** What is known so far. */
  answer(): Answer;
}

/** What is known of an answer. */
export interface Answer {
  response: ModelResponse;
  usage: Usage;
  /**
   * Whether the answer is all there: a whole body that has the protocol's shape, or a stream with the protocol's last
   * event. Also `true` at the end of an answer that was too long to be read: nothing speaks against it. Never `true`
   * with an `error`.
   */
  complete: boolean;
  /** An error event inside the stream, or an error body with a 2xx. `code` is the provider's, for `error.type`. */
  error?: { code: string; message?: string };
  /**
   * The last status that an OpenAI response had: `queued`, `in_progress`, `completed`, `incomplete`, `failed` or
   * `cancelled`. A response to a background request is complete, as a body, while its status is `queued`.
   */
  responseStatus?: string;
}
