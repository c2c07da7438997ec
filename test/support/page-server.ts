/**
 * A stub of the viewer's server, for tests of its page alone: it serves `dist/view`, and of the API the runs that a test gives it. It has
 * no token, receives nothing, and forgets nothing. The headers are those with which the real server protects the page.
 */
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { SECURITY_HEADERS } from '../../src/view/access.js';
import type { Hello, RunDetail, RunRow } from '../../src/view/model.js';

const PAGE = 'dist/view';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface PageServer {
  readonly url: string;
  /** Adds a run, for pages that are opened later. */
  add(detail: RunDetail): void;
  /** Adds or changes a run, and tells the page. */
  put(detail: RunDetail): void;
  /** Forgets runs, and tells the page. */
  drop(...traceIds: string[]): void;
  close(): Promise<void>;
}

/** Starts the stub on a free port of 127.0.0.1. */
export async function startPageServer(details: readonly RunDetail[], hello: Partial<Hello> = {}): Promise<PageServer> {
  const runs = new Map(details.map((detail) => [detail.row.traceId, detail]));
  const listeners = new Set<ServerResponse>();
  const greeting: Hello = { version: '0.0.0', startedAt: Date.now(), files: false, ...hello };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://stub');
    const json = (value: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (pathname === '/api/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event('hello', greeting));
      listeners.add(response);
      request.on('close', () => listeners.delete(response));
      return;
    }
    if (pathname === '/api/runs') {
      const rows = [...runs.values()].map(({ row }) => row).sort((a, b) => b.startMillis - a.startMillis);
      return json({ runs: rows, more: 0 });
    }
    const [, traceId = '', otlp] = /^\/api\/runs\/([^/]+)(\/otlp)?$/.exec(pathname) ?? [];
    const detail = runs.get(traceId);
    if (detail) return json(otlp ? { resourceSpans: [{ stubOf: traceId }] } : detail);
    const path = pathname === '/' ? '/index.html' : pathname;
    if (!/^\/(?:index\.html|assets\/[\w.-]+)$/.test(path)) return response.writeHead(404).end();
    return response
      .writeHead(200, {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        ...SECURITY_HEADERS,
      })
      .end(readFileSync(join(PAGE, path)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const tell = (name: string, data: RunRow | { traceIds: readonly string[] }) => {
    for (const listener of listeners) listener.write(event(name, data));
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (detail) => void runs.set(detail.row.traceId, detail),
    put: (detail) => {
      runs.set(detail.row.traceId, detail);
      tell('run', detail.row);
    },
    drop: (...traceIds) => {
      for (const traceId of traceIds) runs.delete(traceId);
      tell('gone', { traceIds });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
