/** A real HTTP server with one route for each thing that can happen on the wire, and what it saw of it. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';

/** One request as it arrived, and how its connection fared. */
export interface Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string | string[] | undefined>;
  /** The body, as base64, when it had arrived. */
  body?: string;
  /** Bytes of the answer that were handed to the socket. */
  written: number;
  /** Whether the client closed the connection before the answer was over. */
  left: boolean;
}

export interface Origin {
  readonly url: string;
  /** The requests since the last `forget()`. */
  readonly exchanges: Exchange[];
  forget(): void;
  close(): Promise<void>;
}

export const TEXT = 'The quick brown fox, naïve, 12 €, 🦊.\n'.repeat(40);
export const PIECE_BYTES = 65_536;
/** What `/endless` would send to one who reads it all. */
export const ENDLESS_BYTES = 100 << 20;

export async function startOrigin(): Promise<Origin> {
  const exchanges: Exchange[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', headers } = request;
    response.sendDate = false;
    const exchange: Exchange = { method, target, headers, written: 0, left: false };
    exchanges.push(exchange);
    response.on('close', () => {
      exchange.left = !response.writableFinished;
    });
    response.on('error', () => {});
    const { pathname, searchParams } = new URL(target, 'http://origin');
    try {
      await (ROUTES[pathname] as Route)({ request, response, exchange, query: searchParams });
    } catch {
      response.destroy();
    }
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    forget: () => void exchanges.splice(0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  exchange: Exchange;
  query: URLSearchParams;
}

type Route = (visit: Visit) => unknown;

function answer(body: string | Uint8Array, headers: Record<string, string | string[]> = {}, status = 200): Route {
  return ({ response }) => response.writeHead(status, headers).end(body);
}

/** Writes bytes that are no HTTP a server would write. */
function raw(...lines: string[]): Route {
  return ({ response }) => {
    const socket = response.socket as Socket;
    socket.end(lines.join('\r\n'));
  };
}

const text = { 'content-type': 'text/plain; charset=utf-8' };

/** Answers with the beginning of a body, and leaves the rest to `then`. */
function begin(then: (response: ServerResponse, socket: Socket) => unknown): Route {
  return async ({ response }) => {
    const socket = response.socket as Socket;
    response.writeHead(200, text);
    response.write('the beginning');
    await sleep(5);
    await then(response, socket);
  };
}

const ROUTES: Record<string, Route> = {
  '/text': answer(TEXT, { ...text, 'x-one': 'a, b', 'x-latin': 'caf\xe9', etag: '"1"' }),
  '/empty': answer('', text),
  '/json': answer(JSON.stringify({ a: [1, 'ü', null] }), { 'content-type': 'application/json' }),
  '/json-with-bom': answer('\ufeff{"a":1}', { 'content-type': 'application/json' }),
  '/half-json': answer('{"a":', { 'content-type': 'application/json' }),
  '/broken-utf8': answer(Buffer.from([0x61, 0xff, 0xc3, 0x62, 0xe2, 0x82]), text),
  '/form': answer('a=1&b=%C3%BC&a=2', { 'content-type': 'application/x-www-form-urlencoded' }),
  '/multipart': answer(
    [
      '--edge',
      'content-disposition: form-data; name="field"',
      '',
      'value',
      '--edge',
      'content-disposition: form-data; name="file"; filename="a.bin"',
      'content-type: application/octet-stream',
      '',
      'bytes',
      '--edge--',
      '',
    ].join('\r\n'),
    { 'content-type': 'multipart/form-data; boundary=edge' },
  ),
  '/broken-multipart': answer('--edge\r\nno form', { 'content-type': 'multipart/form-data; boundary=edge' }),
  '/no-type': answer(TEXT),
  '/two-types': answer('a=1', { 'content-type': ['text/plain', 'application/x-www-form-urlencoded'] }),
  '/cookies': answer('', { 'set-cookie': ['a=1; Path=/', 'b=2, 3; HttpOnly', 'a=4'], ...text }),
  '/gzip': answer(gzipSync(TEXT), { ...text, 'content-encoding': 'gzip' }),
  '/br': answer(brotliCompressSync(TEXT), { ...text, 'content-encoding': 'br' }),
  '/deflate': answer(deflateSync(TEXT), { ...text, 'content-encoding': 'deflate' }),
  '/gzip-gzip': answer(gzipSync(gzipSync(TEXT)), { ...text, 'content-encoding': 'gzip, gzip' }),
  '/half-gzip': answer(gzipSync(TEXT).subarray(0, 60), { ...text, 'content-encoding': 'gzip' }),
  '/no-gzip': answer(TEXT, { ...text, 'content-encoding': 'gzip' }),
  '/status': ({ response, query }) => {
    const status = Number(query.get('code'));
    response.writeHead(status, text).end(status === 204 || status === 304 ? undefined : `this is ${status}`);
  },
  '/odd-status': ({ query, ...visit }) =>
    raw(`HTTP/1.1 ${query.get('line')}`, 'content-length: 3', 'connection: close', '', 'odd')({ query, ...visit }),
  '/odd-header': raw('HTTP/1.1 200 OK', 'x-odd: \x01\x7f\xe9', 'content-length: 3', 'connection: close', '', 'odd'),
  '/redirect': ({ response, query }) => {
    const location = query.get('to') ?? '/text';
    response.writeHead(Number(query.get('code') ?? 302), { location, ...text }).end('over there');
  },
  '/loop': answer('round and round', { location: '/loop' }, 302),
  /** Answers with what it was asked. */
  '/echo': async ({ request, response, exchange }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    exchange.body = Buffer.concat(chunks).toString('base64');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(exchange));
  },
  /** Does not wait for the request's body. */
  '/early': async ({ request, response }) => {
    response.writeHead(200, text).end('early');
    for await (const _ of request);
  },
  /** A piece each few milliseconds. */
  '/pieces': async ({ response, exchange, query }) => {
    response.writeHead(200, text);
    for (let i = 0; i < Number(query.get('count') ?? 5); i++) {
      exchange.written += 8;
      response.write(`piece ${i}\n`);
      await sleep(2);
    }
    response.end();
  },
  '/endless': ({ response, exchange }) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const piece = Buffer.alloc(PIECE_BYTES, 'x');
    const pump = () => {
      while (exchange.written < ENDLESS_BYTES && !response.closed) {
        exchange.written += piece.byteLength;
        if (!response.write(piece)) return;
      }
      response.end();
    };
    response.on('drain', pump);
    pump();
  },
  '/silence': () => {},
  '/headers-only': ({ response }) => response.writeHead(200, text).flushHeaders(),
  '/stall': begin(() => {}),
  '/reset-before-headers': ({ response }) => (response.socket as Socket).resetAndDestroy(),
  '/reset-in-headers': async ({ response }) => {
    const socket = response.socket as Socket;
    socket.write('HTTP/1.1 200 OK\r\ncontent-ty');
    await sleep(5);
    socket.resetAndDestroy();
  },
  '/reset-mid-stream': begin((_, socket) => socket.resetAndDestroy()),
  '/end-mid-chunk': raw('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', '5', 'abc'),
  '/too-short': raw('HTTP/1.1 200 OK', 'content-length: 10', 'connection: close', '', 'abc'),
  '/too-long': raw('HTTP/1.1 200 OK', 'content-length: 2', 'connection: close', '', 'abc'),
  '/no-http': raw('hello'),
};
