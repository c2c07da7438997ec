/** The application that each server serves: it asks a model by OpenAI's client. */
import { Readable } from 'node:stream';
import OpenAI from 'openai';
import { recordingFetch, tool } from 'runtrace';
import { PARAMETERS, PROMPT, TOOL } from './prompt.js';

export interface Weather {
  generate(model: string): Promise<string>;
  /** A streamed answer, as text. The signal stops it. */
  stream(model: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Asks until no tool is called any more. */
  loop(model: string): Promise<string>;
}

export interface WeatherOptions {
  /** The tool. */
  readonly lookUp?: () => unknown;
  /** Whether the client is given the recording fetch. Default: true. */
  readonly isGivenFetch?: boolean;
}

/** Asks the models at `baseURL`. */
export function weatherOf(
  baseURL: string,
  { lookUp = () => 'Sunny.', isGivenFetch = true }: WeatherOptions = {},
): Weather {
  const fetch = isGivenFetch && { fetch: recordingFetch };
  const { completions } = new OpenAI({ apiKey: 'none', baseURL, logLevel: 'off', ...fetch }).chat;
  return {
    async generate(model) {
      const { choices } = await completions.create({ model, messages: [{ role: 'user', content: PROMPT }] });
      return choices[0]?.message.content ?? '';
    },
    async stream(model, signal) {
      const messages = [{ role: 'user' as const, content: PROMPT }];
      const stream = await completions.create(
        { model, messages, stream: true, stream_options: { include_usage: true } },
        { ...(signal && { signal }) },
      );
      return stream.toReadableStream() as ReadableStream<Uint8Array>;
    },
    async loop(model) {
      const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: PROMPT }];
      const tools = [{ type: 'function' as const, function: { ...TOOL, parameters: PARAMETERS } }];
      for (;;) {
        const { choices } = await completions.create({ model, messages, tools });
        const message = choices[0]?.message;
        if (!message?.tool_calls) return message?.content ?? '';
        messages.push(message);
        for (const { id } of message.tool_calls) {
          const found = await tool({ name: TOOL.name, callId: id }, lookUp);
          messages.push({ role: 'tool', tool_call_id: id, content: JSON.stringify(found) });
        }
      }
    },
  };
}

/** A web stream as a stream of Node. */
export function readableOf(stream: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]);
}
