import type { CellOptions } from './cell.js';

/** What an application asks of a model. */
export interface Client {
  /** An answer, whole. */
  generate(model: string): Promise<string>;
  /** An answer, piece by piece. */
  stream(model: string, signal?: AbortSignal): Promise<AsyncIterable<string>>;
}

const PROMPT = 'How are you?';

/** The application's client, with runtrace put in by the cell's way. */
export async function makeClient({ way, preloaded, provider }: CellOptions): Promise<Client> {
  if (way === 'register' && !preloaded) await import('runtrace/register');
  const { recordingFetch } = await import('runtrace');
  const { OpenAI } = await import('openai');
  const { chat } = new OpenAI({
    apiKey: 'none',
    baseURL: `${provider}/v1`,
    ...(way === 'fetch option' && { fetch: recordingFetch }),
  });
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
