/** AI SDK: a chat route with streaming, and three visitors. One gets an answer, one closes the page, one comes when the model is down. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { ok, slow, startProvider, status } from '../demo/provider.js';
import { sdk } from '../tracing.js';
import { chatRoute } from './route.js';

// Stands in for api.openai.com, so that no key is needed.
const provider = await startProvider();
const route = chatRoute(`${provider.url}/v1`);
const server = serve({ fetch: new Hono().post('/chat', (c) => route(c.req.raw)).fetch, port: 0 });
const { port } = server.address() as { port: number };

// The model is busy, then wants to know the weather, then answers.
provider.script(
  'gpt-5',
  status(429, { retryAfterMillis: 50 }),
  ok({ toolCalls: [{ id: 'call_1', name: 'weather', arguments: { city: 'Lisbon' } }] }),
  slow(5, { text: 'Take sunglasses: it is sunny in Lisbon.' }),
);
console.log(textOf(await (await ask('answered')).text()));

// It tells a long story, but the visitor closes the page.
provider.script('gpt-5', slow(5, { text: 'Once upon a time there was a very long story. '.repeat(50) }));
for await (const chunk of (await ask('closed')).body ?? []) {
  if (Buffer.from(chunk).includes('text-delta')) break;
}

// It is down.
provider.script('gpt-5', status(503, { retryAfterMillis: 10 }));
await (await ask('down')).text();

server.close();
await sdk.shutdown();
// The connection of the visitor who has gone would keep the process for some seconds.
if ('closeAllConnections' in server) server.closeAllConnections();
await provider.close();

/** What `useChat` of the AI SDK sends. */
function ask(id: string): Promise<Response> {
  const parts = [{ type: 'text', text: 'What do I need for Lisbon?' }];
  const body = JSON.stringify({ id, messages: [{ id: 'message-1', role: 'user', parts }] });
  return fetch(`http://localhost:${port}/chat`, { method: 'POST', body });
}

/** The text of the answer, as `useChat` puts it together. */
function textOf(stream: string): string {
  const deltas = [...stream.matchAll(/^data: (\{.*"type":"text-delta".*\})$/gm)];
  return deltas.map(([, json = '']) => (JSON.parse(json) as { delta: string }).delta).join('');
}
