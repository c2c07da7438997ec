/** A chat route, with Hono. The run goes on until the stream that it returned has ended; if the client goes away first, it is interrupted. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import OpenAI from 'openai';
import { recordingFetch, run } from 'runtrace';
import { slow, startProvider } from './demo/provider.js';
import { sdk } from './tracing.js';

// Stands in for api.openai.com, so that no key is needed.
const provider = await startProvider();
provider.script('gpt-5', slow(20, { text: 'It will be sunny, with a light breeze from the sea and 24 degrees.' }));

const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });

const app = new Hono();
app.post('/chats/:id', (c) =>
  run({ kind: 'chat_turn', conversationId: c.req.param('id') }, async () => {
    const stream = await openai.chat.completions.create(
      { model: 'gpt-5', messages: [{ role: 'user', content: await c.req.text() }], stream: true },
      { signal: c.req.raw.signal },
    );
    return new Response(stream.toReadableStream());
  }),
);
const server = serve({ fetch: app.fetch, port: 0 });

// Two clients: one reads to the end, the other one leaves after the first piece.
const { port } = server.address() as { port: number };
const ask = (id: string) => fetch(`http://localhost:${port}/chats/${id}`, { method: 'POST', body: 'And tomorrow?' });
console.log((await (await ask('stays')).text()).length, 'bytes');
for await (const _ of (await ask('leaves')).body ?? []) break;

server.close();
await sdk.shutdown();
await provider.close();
