/**
 * A chat route as Next.js, Hono, Bun and Deno have them: a `Request` comes in, a streamed `Response` goes out. It runs with the AI SDK 6 and 7. From
 * 7 on, `registerTelemetry(runtraceTelemetry())` does what `wrapModel()` and `tool()` of runtrace do here.
 */
import { createOpenAI } from '@ai-sdk/openai';
import { convertToModelMessages, jsonSchema, streamText, tool, type UIMessage } from 'ai';
import { tool as recordedTool, recordingFetch, run } from 'runtrace';
import { wrapModel } from 'runtrace/ai-sdk';

interface ChatRequest {
  id: string;
  messages: UIMessage[];
}

const tools = {
  weather: tool({
    description: 'Tells the weather of a city.',
    inputSchema: jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    }),
    execute: ({ city }, { toolCallId }) =>
      recordedTool({ name: 'weather', callId: toolCallId }, () => `It is sunny in ${city}, 24 °C.`),
  }),
};

/** `baseURL` is where the demo's provider listens; an application has its provider's own. */
export function chatRoute(baseURL: string): (request: Request) => Promise<Response> {
  // The option that shows every attempt, also those that the AI SDK tries again in silence.
  const openai = createOpenAI({ apiKey: 'none', baseURL, fetch: recordingFetch });
  const model = wrapModel(openai.chat('gpt-5'));

  return async function POST(request) {
    const { id, messages } = (await request.json()) as ChatRequest;
    // The run goes on until the stream that it returns has ended.
    return run({ kind: 'chat_turn', conversationId: id, userId: 'ada' }, async () => {
      const result = streamText({
        model,
        messages: await convertToModelMessages(messages),
        tools,
        stopWhen: ({ steps }) => steps.length >= 5,
        // Who closes the page stops the model.
        abortSignal: request.signal,
        onError: () => {},
      });
      return result.toUIMessageStreamResponse();
    });
  };
}
