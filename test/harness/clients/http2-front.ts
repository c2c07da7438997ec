/** The provider over HTTP/2 without TLS: what comes from it, and how it ends, is what the provider sends over HTTP/1. */
import { type RequestOptions, request as send } from 'node:http';
import { createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/** Headers of one connection, which HTTP/2 does not have. */
const OF_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding'];

/** Starts it on a free port of 127.0.0.1; returns its address. It ends with the process. */
export async function startHttp2Front(provider: string): Promise<string> {
  const server = createServer((request, response) => forward(provider, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function forward(provider: string, request: Http2ServerRequest, response: Http2ServerResponse): void {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(':')));
  const options: RequestOptions = { method: request.method, headers };
  const upstream = send(`${provider}${request.url}`, options, (answer) => {
    const own = Object.entries(answer.headers).filter(([name]) => !OF_CONNECTION.includes(name));
    response.writeHead(answer.statusCode ?? 500, Object.fromEntries(own));
    answer.on('error', () => response.stream.session?.socket.resetAndDestroy());
    answer.pipe(response);
    response.stream.on('close', () => upstream.destroy());
  });
  pipeline(request, upstream, () => {});
}
