import type { LanguageModel } from 'ai';
import type { CellOptions, Way } from './cell.js';
import type { OtherClient } from './others/other-client.js';

/** What an application asks of a model. */
export interface Client {
  /** An answer, whole. */
  generate(model: string): Promise<string>;
  /** An answer, piece by piece. */
  stream(model: string, signal?: AbortSignal): Promise<AsyncIterable<string>>;
}

export const PROMPT = 'How are you?';

/** The application's client, with runtrace put in by the cell's way. Everything is imported after `runtrace/register`. */
export const makeClient: Record<Exclude<Way, OtherClient>, (options: CellOptions) => Promise<Client>> = {
  'fetch option': async ({ provider }) => {
    const { recordingFetch } = await import('runtrace');
    return openAI(provider, { fetch: recordingFetch });
  },
  register: async ({ preloaded, provider }) => {
    if (!preloaded) await import('runtrace/register');
    return openAI(provider, {});
  },
  'AI SDK telemetry': async ({ provider }) => {
    // A cell has the AI SDK 7. The types are those of the root's version, which runs on Node 20.
    const ai: unknown = await import('ai');
    const { registerTelemetry } = ai as { registerTelemetry(integration: unknown): void };
    const { runtraceTelemetry } = await import('runtrace/ai-sdk');
    registerTelemetry(runtraceTelemetry());
    return aiSdk(provider, (model) => model);
  },
  wrapModel: async ({ provider }) => {
    const { wrapModel } = await import('runtrace/ai-sdk');
    return aiSdk(provider, (model) => wrapModel(model));
  },
};

async function openAI(provider: string, options: { fetch?: typeof fetch }): Promise<Client> {
  const { OpenAI } = await import('openai');
  const { chat } = new OpenAI({ apiKey: 'none', baseURL: `${provider}/v1`, ...options });
  const messages: [{ role: 'user'; content: string }] = [{ role: 'user', content: PROMPT }];
  return {
    async generate(model) {
      const answer = await chat.completions.create({ model, messages });
      return answer.choices[0]?.message.content ?? '';
    },
    async stream(model, signal) {
      const stream_options = { include_usage: true };
      const stream = await chat.completions.create(
        { model, messages, stream: true, stream_options },
        { ...(signal && { signal }) },
      );
      return (async function* () {
        for await (const chunk of stream) yield chunk.choices[0]?.delta.content ?? '';
      })();
    },
  };
}

type ChatModel = ReturnType<ReturnType<typeof import('@ai-sdk/openai').createOpenAI>['chat']>;

async function aiSdk(provider: string, wrap: (model: ChatModel) => ChatModel): Promise<Client> {
  const { createOpenAI } = await import('@ai-sdk/openai');
  const { recordingFetch } = await import('runtrace');
  const openai = createOpenAI({ apiKey: 'none', baseURL: `${provider}/v1`, fetch: recordingFetch });
  return aiSdkClient(await import('ai'), (model) => wrap(openai.chat(model)));
}

/** The AI SDK with the models of a provider. */
export function aiSdkClient(
  { generateText, streamText }: Pick<typeof import('ai'), 'generateText' | 'streamText'>,
  modelOf: (name: string) => LanguageModel,
): Client {
  const call = (model: string) => ({ model: modelOf(model), prompt: PROMPT });
  return {
    async generate(model) {
      return (await generateText(call(model))).text;
    },
    async stream(model, signal) {
      const { fullStream } = streamText({ ...call(model), onError() {}, ...(signal && { abortSignal: signal }) });
      return (async function* () {
        for await (const part of fullStream) {
          if (part.type === 'error') throw part.error;
          if (part.type === 'text-delta') yield part.text;
        }
      })();
    },
  };
}
