import type { ModelRequest, ModelResponse, Usage } from '../genai.js';

/** One model API's wire format: how to know its requests, and how to read them and their answers. */
export interface Protocol {
  /** Whether a request with this path (no query) and this parsed JSON body is one of this protocol's. */
  matches(path: string, body: Readonly<Record<string, unknown>>): boolean;
  /** The `gen_ai.operation.name` of such a call. */
  operation(path: string): string;
  /** The `gen_ai.provider.name` where the host says nothing. */
  readonly provider: string;
  /** Reads the request; messages, system and tools only if `content`. Never throws. */
  readRequest(path: string, body: Readonly<Record<string, unknown>>, content: boolean): ModelRequest;
  /** Makes a reader for one answer. */
  openAnswer(content: boolean): AnswerReader;
}

/** Reads one answer of a model, whole or event by event. Never throws. */
export interface AnswerReader {
  /** A whole JSON answer. */
  whole(body: unknown): void;
  /** One event of a stream; `name` is the SSE event's name, `''` if it has none. */
  event(name: string, data: string): void;
  /** What is known so far. */
  answer(): Answer;
}

/** What is known of an answer. */
export interface Answer {
  response: ModelResponse;
  usage: Usage;
  /** Whether the answer was understood and is complete: the body parsed, or the protocol's last event seen. */
  complete: boolean;
  /** An error event inside the stream, or an error body with a 2xx. `code` is the provider's, for `error.type`. */
  error?: { code: string; message?: string };
}
