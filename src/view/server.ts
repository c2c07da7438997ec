import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutLastSlashes } from '../util/url-parts.js';
import { type Access, createAccess, SECURITY_HEADERS } from './access.js';
import { streamEvents } from './event-stream.js';
import type { Hello, Prices } from './model.js';
import type { PageFile } from './page-files.js';
import { garbageCollector } from './receive/collect-garbage.js';
import { acceptLive } from './receive/live-receiver.js';
import { formatOf, otlpAnswer, readOtlp } from './receive/otlp-receiver.js';
import { RequestError, readBody } from './receive/request-body.js';
import { RunStore } from './store/run-store.js';

export interface ViewerOptions {
  /** The port of OTLP, the API and the page. 0: any that is free. */
  readonly port: number;
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string | undefined;
  /** How much the runs may take in memory, in bytes. */
  readonly maxBytes: number;
  readonly version: string;
  readonly page: ReadonlyMap<string, PageFile>;
  readonly jaegerUrl?: string | undefined;
  readonly prices?: Prices | undefined;
  /** Whether it only shows files. */
  readonly files?: boolean;
}

const RELOAD_MILLIS = 2000;

/** A viewer that listens. */
export interface Viewer {
  readonly port: number;
  /** Where programs send their spans. */
  readonly endpoint: string;
  /** The page, with the token. */
  readonly pageUrl: string;
  readonly store: RunStore;
  /** Resolves when no page is open. */
  unwatched(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts the viewer: receives OTLP and the live channel, and serves the API and the page.
 *
 * @throws (rejects) what `listen` throws: `EADDRINUSE` if the port is taken.
 */
export async function startViewer(options: ViewerOptions): Promise<Viewer> {
  const { host = '127.0.0.1', maxBytes } = options;
  const store = new RunStore(maxBytes);
  const startedAt = Date.now();
  // Slow bodies have a limit of their own; the live channel and the events are meant to last.
  const server = createServer({ requestTimeout: 0 });
  await listen(server, options.port, host);
  const { port } = server.address() as AddressInfo;
  const access = createAccess(port, options.host);
  const hello: Hello = {
    version: options.version,
    startedAt,
    files: options.files === true,
    ...(options.jaegerUrl && { jaegerUrl: withoutLastSlashes(options.jaegerUrl) }),
    ...(options.prices && { prices: options.prices }),
  };
  const watchers = new Set<ServerResponse>();
  const site: Site = { access, store, hello, page: options.page, watchers, collectGarbage: garbageCollector() };
  server.on('request', (request, response) => {
    void answer(site, request, response).catch((error) => sendError(response, error));
  });
  const sockets = new Set<Duplex>();
  server.on('upgrade', (request, socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    acceptLive(request, socket, access, store);
  });
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const origin = `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
  return {
    port,
    endpoint: origin,
    pageUrl: `${origin}/?token=${access.token}`,
    store,
    async unwatched() {
      // A page that is reloaded opens its next connection a moment later.
      do await Promise.all([...watchers].map((page) => once(page, 'close').then(() => sleep(RELOAD_MILLIS))));
      while (watchers.size > 0);
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      // The server does not count those that were upgraded.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Site {
  readonly access: Access;
  readonly store: RunStore;
  readonly hello: Hello;
  readonly page: ReadonlyMap<string, PageFile>;
  /** The event streams of the open pages. */
  readonly watchers: Set<ServerResponse>;
  /** Gets the size of each request that was read. */
  readonly collectGarbage: (requestBytes: number) => void;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { access } = site;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const refusal = access.refusal(request.headers);
  if (refusal !== undefined) throw new RequestError(403, refusal);
  const url = new URL(`http://viewer${/^\/[^/]/.test(request.url ?? '') ? request.url : '/'}`);
  if (url.pathname === '/v1/traces') return await receiveOtlp(site, request, response);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new RequestError(405, 'only /v1/traces takes a POST');
  const isApi = url.pathname.startsWith('/api/');
  if (url.pathname.startsWith('/assets/')) {
    sendFile(site.page, url.pathname.slice(1), response);
  } else if (!access.hasToken(request, url)) {
    if (isApi) throw new RequestError(403, 'the token is missing');
    sendText(response, 403, NO_TOKEN);
  } else if (isApi) {
    sendApi(site, url.pathname, response);
  } else {
    if (url.pathname !== '/') throw new RequestError(404, 'there is nothing here');
    response.setHeader('set-cookie', access.cookie());
    sendFile(site.page, 'index.html', response);
  }
}

const NO_TOKEN = `This is runtrace view. Its pages show prompts and answers, so they open only with the token of this viewer.

Open the link that "runtrace view" printed in your terminal.
`;

async function receiveOtlp(
  { store, collectGarbage }: Site,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') throw new RequestError(405, 'OTLP is sent by POST');
  const format = formatOf(request.headers['content-type']);
  const body = await readBody(request);
  const received = readOtlp(body, format);
  collectGarbage(body.length);
  store.add(received.records);
  response.writeHead(200, { 'content-type': format === 'json' ? 'application/json' : 'application/x-protobuf' });
  response.end(otlpAnswer(received, format));
}

function sendApi({ store, hello, watchers }: Site, path: string, response: ServerResponse): void {
  if (path === '/api/events') {
    watchers.add(response);
    response.once('close', () => watchers.delete(response));
    streamEvents(response, store, hello);
  } else if (path === '/api/runs') {
    sendJson(response, store.listJson());
  } else {
    const [, traceId, form] = /^\/api\/runs\/([0-9a-f]{32})(\/otlp)?$/.exec(path) ?? [];
    if (traceId === undefined) throw new RequestError(404, 'there is nothing here');
    const found = form ? store.otlp(traceId) : store.detail(traceId);
    if (!found) throw new RequestError(404, 'this run is not in memory any more, or never was');
    sendJson(response, JSON.stringify(found));
  }
}

function sendFile(page: ReadonlyMap<string, PageFile>, path: string, response: ServerResponse): void {
  const file = page.get(path);
  if (!file) throw new RequestError(404, 'there is nothing here');
  response.writeHead(200, { 'content-type': file.contentType, 'cache-control': 'no-store' });
  response.end(file.content);
}

function sendJson(response: ServerResponse, json: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(json);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(text);
}

/** The form of OTLP's errors, a `google.rpc.Status`, which is clear to a person too. */
function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known = error instanceof RequestError ? error : new RequestError(500, 'the viewer failed to answer');
  response.writeHead(known.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ code: known.status, message: known.message }));
}
