/** A server that passes a model's stream on, and a client of it that leaves. */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { recordingFetch } from 'runtrace';
import { ok, type Provider, resetMidStream, slow, startProvider } from '../../examples/demo/provider.js';
import { only, type Traced, traced } from './traced.js';
import { until } from './until.js';

let provider: Provider;

export async function startModel(): Promise<void> {
  provider = await startProvider();
  provider.script('gpt-5', ok());
}

/** From now on, the model's answer takes a second and more. */
export function slowModel(): void {
  provider.script('gpt-5', slow(50, { text: Array(30).fill('word ') }));
}

export function stopModel(): Promise<void> {
  return provider.close();
}

export function modelUrl(): string {
  return provider.url;
}

/** Asks the model for a stream. */
export async function ask(signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await recordingFetch(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5', stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
    ...(signal && { signal }),
  });
  return response.body as ReadableStream<Uint8Array>;
}

export interface Server {
  readonly url: string;
  close(): void;
}

export async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Reads the first bytes of an answer, and leaves; or reads it all. */
async function visit(url: string, leave: boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const asked = get(url, (response) => {
      response.on('data', () => leave && asked.destroy());
      response.on('close', resolve);
      response.on('error', () => {});
    });
    asked.on('error', () => resolve());
  });
}

/** Visits a server once: the client leaves, or the upstream breaks. Returns the statuses of the run and its step. */
export async function trial(serveRun: (scene: Traced) => Promise<Server>, leave: boolean): Promise<unknown[]> {
  provider.script('gpt-5', leave ? slow(5, { text: Array(500).fill('word ') }) : resetMidStream(3));
  const scene = traced({ limits: { idleMillis: 500 } });
  const server = await serveRun(scene);
  await visit(server.url, leave);
  await until(() => scene.runs().length === 1);
  server.close();
  await scene.shutdown();
  provider.script('gpt-5', ok());
  return [only(scene.runs()), only(scene.steps())].map(({ attributes }) => attributes['runtrace.status']);
}
