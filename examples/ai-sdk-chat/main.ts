/**
 * A chat route of the AI SDK with streaming, and three visitors: one gets an answer, one closes the page, one comes when the model is down.
 *
 *     npm run build:test && node build/examples/ai-sdk-chat/main.js [traces.jsonl]
 *
 * Needs no account and no key: the model is the demo's provider. Writes the traces to the file, and prints them as a tree.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { ok, slow, startProvider, status } from '../demo/provider.js';
import { instrument } from './instrumentation.js';
import { chatRoute } from './route.js';

const file = resolve(process.argv[2] ?? fileURLToPath(new URL('../../ai-sdk-chat.jsonl', import.meta.url)));
rmSync(file, { force: true });

const sdk = instrument(file);
const provider = await startProvider();
const server = serve(chatRoute(`${provider.url}/v1`)).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;

// The model is busy, then wants to know the weather, then answers.
provider.script(
  'gpt-5',
  status(429, { retryAfterMillis: 50 }),
  ok({ toolCalls: [{ id: 'call_1', name: 'weather', arguments: { city: 'Lisbon' } }] }),
  slow(5, { text: 'Take sunglasses: it is sunny in Lisbon.' }),
);
console.log(await textOf(await ask('answered')));

// It tells a long story, but the visitor closes the page.
provider.script('gpt-5', slow(5, { text: 'Once upon a time there was a very long story. '.repeat(50) }));
const closed = new AbortController();
const page = await ask('closed', closed.signal);
await page.body?.getReader().read();
closed.abort();

// It is down, and the visitor is told so.
provider.script('gpt-5', status(503, { retryAfterMillis: 10 }));
await textOf(await ask('down'));

server.close();
await sdk.shutdown();
await provider.close();
const manifest = createRequire(import.meta.url).resolve('runtrace/package.json');
spawnSync(process.execPath, [join(dirname(manifest), 'dist/cli/main.js'), 'show', file], { stdio: 'inherit' });

/** What `useChat` of the AI SDK sends. */
function ask(id: string, signal?: AbortSignal): Promise<Response> {
  const parts = [{ type: 'text', text: 'What do I need for Lisbon?' }];
  const body = JSON.stringify({ id, messages: [{ id: 'message-1', role: 'user', parts }] });
  return fetch(url, { method: 'POST', body, ...(signal && { signal }) });
}

/** The text of the answer, as `useChat` puts it together. */
async function textOf(response: Response): Promise<string> {
  const deltas = (await response.text()).matchAll(/^data: (\{.*"type":"text-delta".*\})$/gm);
  return [...deltas].map(([, json = '']) => (JSON.parse(json) as { delta: string }).delta).join('');
}

/** Node's server around a route that has web `Request`s; frameworks do this. */
function serve(route: (request: Request) => Promise<Response>): Server {
  return createServer(async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on('close', () => gone.abort());
    const body = Readable.toWeb(incoming) as ReadableStream;
    const init = { method: 'POST', body, duplex: 'half', signal: gone.signal } as RequestInit;
    const response = await route(new Request(url, init));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    await pipeline(Readable.fromWeb(response.body as never), outgoing).catch(() => {});
  });
}
