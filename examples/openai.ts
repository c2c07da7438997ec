/** OpenAI: a chat turn whose first attempt is refused. The client asks again by itself; the one step shows both attempts. */
import OpenAI from 'openai';
import { recordingFetch, run } from 'runtrace';
import { ok, startProvider, status } from './demo/provider.js';
import { sdk } from './tracing.js';

// Stands in for api.openai.com, so that no key is needed.
const provider = await startProvider();
provider.script('gpt-5', status(429, { retryAfterMillis: 200 }), ok({ text: 'Lisbon is lovely in May.' }));

const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });

const answer = await run({ kind: 'chat_turn', conversationId: 'chat-1', userId: 'ada' }, async (run) => {
  console.log(`trace ${run.traceId}`);
  const stream = await openai.chat.completions.create({
    model: 'gpt-5',
    messages: [{ role: 'user', content: 'Where should I go in May?' }],
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  return text;
});
console.log(answer);

await sdk.shutdown();
await provider.close();
