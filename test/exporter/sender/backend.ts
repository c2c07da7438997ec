import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { decodeOtlpProtobuf } from '../../support/otlp-protobuf.js';

export interface SeenRequest {
  headers: IncomingMessage['headers'];
  path: string;
  format: 'protobuf' | 'json';
  compression: 'gzip' | 'none';
  /** As it was sent, decompressed. */
  content: Buffer;
  /** The request in OTLP's JSON mapping. */
  body: Body;
  atMillis: number;
}

interface Body {
  resourceSpans: { resource: { attributes: unknown }; scopeSpans: { spans: SeenSpan[] }[] }[];
}

/** A span in OTLP's JSON mapping. */
export interface SeenSpan {
  name: string;
  attributes: { key: string; value: unknown }[];
  links: { attributes: unknown }[];
}

/** An HTTP server that does what a test says with each request. */
export interface Backend {
  readonly url: string;
  readonly requests: SeenRequest[];
  readonly server: Server;
}

export type Respond = (response: ServerResponse, request: SeenRequest, number: number) => void;

export async function startBackend(t: TestContext, respond: Respond, tls?: ServerOptions): Promise<Backend> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const seen = read(request, Buffer.concat(chunks));
    requests.push(seen);
    respond(response, seen, requests.length - 1);
  };
  const server = (tls ? createTlsServer(tls, listener) : createServer(listener)) as Server;
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${port}/v1/traces`, requests, server };
}

function read(request: IncomingMessage, raw: Buffer): SeenRequest {
  const compression = request.headers['content-encoding'] === 'gzip' ? 'gzip' : 'none';
  const content = compression === 'gzip' ? gunzipSync(raw) : raw;
  const format = request.headers['content-type'] === 'application/json' ? 'json' : 'protobuf';
  const body = format === 'json' ? JSON.parse(content.toString()) : decodeOtlpProtobuf(content);
  return {
    headers: request.headers,
    path: request.url ?? '',
    format,
    compression,
    content,
    body,
    atMillis: performance.now(),
  };
}

export function spanNames(requests: readonly SeenRequest[]): string[] {
  return requests
    .flatMap(({ body }) => body.resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map(({ name }) => name)
    .sort();
}

/** What is warned of from now on. */
export function warningsOf(t: TestContext): string[] {
  const warnings: string[] = [];
  const silent = () => {};
  const warn = (...parts: unknown[]) => void warnings.push(parts.join(' '));
  diag.setLogger(
    { warn, error: warn, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  t.after(() => diag.disable());
  return warnings;
}

/** Sets variables for one test. */
export function withEnvironment(t: TestContext, variables: Record<string, string>): void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}
