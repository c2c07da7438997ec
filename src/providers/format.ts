import type { ModelRequest, ModelResponse, Usage } from '../otel/genai.js';
import type { JsonObject } from '../util/json-fields.js';
import type { RepeatedJson } from '../util/repeated-json.js';

/**
 * The wire format of one model API: how its calls are recognized, and how their requests and responses are read. No
 * method throws.
 */
export interface WireFormat {
  /** The `gen_ai.provider.name` if the host does not tell. */
  readonly provider: string;
  /**
   * `json-lines` if a streamed response is a sequence of JSON objects; then a whole response is read as one event.
   * `bytes` if a response may be something else than JSON and events: audio, plain text. All other ways to send a
   * response are recognized by its first byte.
   */
  readonly framing?: 'json-lines' | 'bytes';
  /** The `gen_ai.operation.name` of a call to this path (without query); `undefined` if the path is not this format's. */
  operation(path: string): string | undefined;
  /** Whether a body has the shape of such a call. */
  accepts(path: string, body: JsonObject): boolean;
  /** Reads a request; messages, system instructions and tools only if `content`. */
  readRequest(call: CallParts, content: boolean): ModelRequest;
  /**
   * Makes a reader for one response to `request`; output messages only if `content`. `headers` are the response's, by
   * lower-case name.
   */
  openReader(content: boolean, request: ModelRequest, headers: Readonly<Record<string, string>>): FormatReader;
}

/** The parts of an HTTP request that say what is asked of a model. */
export interface CallParts {
  readonly path: string;
  /** `{}` if the body could not be read. */
  readonly body: JsonObject;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads one response of a model, whole or event by event. No method throws. */
export interface FormatReader {
  /** A whole JSON response. */
  whole(body: JsonObject): void;
  /** One event of a stream; `name` is the event's name, `''` if it has none. An exception of AWS has the name `error`. */
  event(name: string, data: string): void;
  /** An event that came, and only adds a text. */
  readonly repeated?: RepeatedJson | undefined;
  /** That event came again with another text, which does nothing if content is not read. */
  repeat?(text: string): void;
  /** The body ended by itself, after so many bytes (0 if it is a web page); it did not break off and was not cancelled. */
  end(receivedBytes: number): void;
  /** What was read so far. */
  answer(): Answer;
}

/** What was read of a response. */
export interface Answer {
  response: ModelResponse;
  usage: Usage;
  /**
   * Whether the response was received completely: a whole body that has the format's shape, or a stream with the
   * format's last event. Before the body's end it is also `true` if every choice has its finish reason, because then a
   * consumer may well stop reading. It is `true` at the end of a response that was too long to be read: nothing speaks
   * against it. Never `true` with an `error`.
   */
  complete: boolean;
  /**
   * An error that the response reports: an error event, an error body with a 2xx, a finish reason that means failure.
   * `code` is the provider's, for `error.type`; `provider_error` if it gives none.
   */
  error?: { code: string; message?: string };
  /**
   * The last status that an OpenAI response had: `queued`, `in_progress`, `completed`, `incomplete`, `failed` or
   * `cancelled`. A response to a background request is complete, as a body, while its status is `queued`. xAI tells no
   * status of a completion that was deferred: it is `queued` here.
   */
  responseStatus?: string;
  /**
   * Where a response in the background is asked for, relative to the request's path with a slash at its end. Default: the
   * response's id.
   */
  pollPath?: string;
}
