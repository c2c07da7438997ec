import type { IncomingHttpHeaders } from 'node:http';

/** What a model answers, in any wire format. */
export interface Answer {
  /** The text, or its pieces, which are then made as they are sent (for answers too large to hold). */
  text?: string | Iterable<string>;
  toolCalls?: ToolCall[];
  usage?: Usage;
  /** The model that answers, where it is not the one that was asked for. */
  model?: string;
}

export interface ToolCall {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
}

/** Tokens, by the sums of the GenAI conventions: input includes the cached, output includes the reasoning. */
export interface Usage {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
  reasoning?: number;
}

/** What a request asks for. */
export interface Call {
  model: string;
  stream: boolean;
  /** Whether a stream should say what it cost: OpenAI's `stream_options.include_usage`; always true elsewhere. */
  includeUsage: boolean;
}

/** An answer with nothing left open: what a wire format writes. */
export interface FullAnswer extends Required<Pick<Answer, 'toolCalls' | 'usage' | 'model'>> {
  /** Ends the ids in the answer, so that no two answers have the same ones. */
  id: string;
}

/** One model API: how it is asked, and how it answers and fails. */
export interface WireFormat {
  /** The content type of a streamed answer. Default: server-sent events. */
  readonly streamType?: string;
  /** Reads a request; `undefined` if its path is not one of this API's. `headers` have lower-case names. */
  read(path: string, body: Record<string, unknown>, headers: IncomingHttpHeaders): Call | undefined;
  /** The headers that this API puts on everything; `status` is that of the response. */
  headers(id: string, status: number): Record<string, string>;
  /** A whole answer: the JSON body. */
  whole(answer: FullAnswer, text: string): unknown;
  /** A streamed answer: its events, made as they are asked for. */
  events(answer: FullAnswer, text: Iterable<string>, call: Call): Iterable<string | Uint8Array>;
  /** The body that comes with an error status. */
  failure(status: number): unknown;
  /** The event that ends a stream which failed after it had begun. */
  errorEvent(): string | Uint8Array;
}

/** One server-sent event, as it is written. */
export function serverSentEvent(data: unknown, name?: string): string {
  const payload = typeof data === 'string' ? data : JSON.stringify(data);
  return `${name ? `event: ${name}\n` : ''}data: ${payload}\n\n`;
}

/** Text in pieces of a word each, as models stream it. */
export function words(text: string): string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
}

/** A tool call's arguments in pieces that are no JSON by themselves, as models stream them. */
export function fragments(call: ToolCall): string[] {
  return JSON.stringify(call.arguments).match(/.{1,12}/gs) ?? [];
}
