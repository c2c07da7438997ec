/** The backends that applications of this harness send to, and everything that can be wrong with their answers. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseOtlpJson } from '../../support/otlp-receiver.js';
import { bytesMessage, spanIdsOf, textMessage, varintMessage } from './wire.js';

/** What a backend does with a request instead of taking it and answering 200. Only those that say so take the spans. */
export type Answer =
  /** `windowMillis`: how long it asks to be left alone. */
  | {
      kind: 'status';
      status: number;
      headers?: Record<string, string>;
      body?: string;
      windowMillis?: number | undefined;
    }
  /** Answers 413 (gRPC: RESOURCE_EXHAUSTED) if the uncompressed request is larger. */
  | { kind: 'tooLarge'; maxBytes: number }
  /** Answers 415 to requests of that form. */
  | { kind: 'refusesForm'; form: 'gzip' | 'json' | 'protobuf' }
  /** Takes the spans, sends a part of the answer, and resets the connection. */
  | { kind: 'resetInResponse' }
  | { kind: 'reset' }
  | { kind: 'silent' }
  /** Answers with bytes that are no HTTP. */
  | { kind: 'garbage' }
  /** Takes all but `rejected` spans and says so. */
  | { kind: 'partial'; rejected: number }
  /** Takes the spans, later. */
  | { kind: 'slow'; delayMillis: number }
  /** Answers one byte every 200 ms, for ever. */
  | { kind: 'trickle' }
  /** Takes the spans, and answers with so many bytes. */
  | { kind: 'hugeAnswer'; bytes: number }
  /** Takes the spans, and says 102 and 103 before 200. */
  | { kind: 'informational' }
  | { kind: 'grpc'; code: number; message: string; retryInMillis?: number };

export interface BackendOptions {
  speaks?: 'http' | 'https' | 'grpc';
  /** Called with the number of the request, from 0. */
  answer?: ((requestNumber: number) => Answer | undefined) | undefined;
  port?: number;
  /** Closes a connection when its second request comes, without an answer. */
  closesReused?: boolean;
}

export interface Backend {
  /** For the option `url`. */
  readonly url: string;
  readonly port: number;
  /** How many requests have come. */
  readonly requests: number;
  /** Requests that came inside a window in which the backend had asked to be left alone. */
  readonly early: number;
  /** The ids of all spans that were taken, twice if they came twice. */
  readonly spanIds: readonly string[];
  /** What a strict backend objects to in the requests. */
  readonly violations: readonly string[];
  answer: BackendOptions['answer'];
  /** Closes the port and all connections. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Requests that were under way when a backend asked to be left alone are not early. */
const UNDER_WAY_MILLIS = 300;
const CLOCKS_DIFFER_MILLIS = 100;
const PATH = '/v1/traces';

interface Received {
  spanIds: string[];
  bytes: number;
  form: 'json' | 'protobuf';
  isGzip: boolean;
  violation?: string | undefined;
}

class OtlpBackend implements Backend {
  answer: BackendOptions['answer'];
  requests = 0;
  early = 0;
  port: number;
  readonly spanIds: string[] = [];
  readonly violations: string[] = [];
  readonly #speaks: NonNullable<BackendOptions['speaks']>;
  readonly #closesReused: boolean;
  readonly #sockets = new Map<Socket, number>();
  #server: Server | undefined;
  #quietFrom = Number.POSITIVE_INFINITY;
  #quietUntil = 0;

  constructor({ speaks = 'http', answer, port = 0, closesReused = false }: BackendOptions) {
    this.#speaks = speaks;
    this.answer = answer;
    this.port = port;
    this.#closesReused = closesReused;
  }

  get url(): string {
    const origin = `${this.#speaks === 'https' ? 'https' : 'http'}://127.0.0.1:${this.port}`;
    return this.#speaks === 'grpc' ? origin : origin + PATH;
  }

  async up(): Promise<void> {
    if (this.#server) return;
    const server = this.#listener();
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket, 0);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
  }

  close(): Promise<void> {
    return this.down();
  }

  #listener(): Server {
    const onRequest = (request: IncomingMessage, response: ServerResponse) => {
      void this.#overHttp(request, response).catch((error: unknown) => this.violations.push(String(error)));
    };
    if (this.#speaks === 'http') return createHttp(onRequest);
    if (this.#speaks === 'https') return createHttps(selfSigned(), onRequest);
    const server = createHttp2();
    server.on('sessionError', () => {});
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      void this.#overGrpc(stream).catch((error: unknown) => this.violations.push(String(error)));
    });
    return server;
  }

  /** Counts the request; returns what to do with it. */
  #arrived(): Answer | undefined {
    const now = performance.now();
    if (now > this.#quietFrom && now < this.#quietUntil) this.early++;
    const answer = this.answer?.(this.requests++);
    // From now on, and not from when the body has been read: the client counts from then, or until a date.
    const millis = answer?.kind === 'status' ? answer.windowMillis : answer?.kind === 'grpc' && answer.retryInMillis;
    if (millis) this.#quietUntil = Math.max(this.#quietUntil, now + millis - CLOCKS_DIFFER_MILLIS);
    return answer;
  }

  /** The client is told to wait. */
  #asksForQuiet(): void {
    this.#quietFrom = Math.min(this.#quietFrom, performance.now() + UNDER_WAY_MILLIS);
  }

  #take({ spanIds }: Received, but = 0): void {
    this.spanIds.push(...spanIds.slice(but));
  }

  async #overHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const uses = (this.#sockets.get(socket) ?? 0) + 1;
    if (this.#sockets.has(socket)) this.#sockets.set(socket, uses);
    if (this.#closesReused && uses > 1) return void socket.destroy();
    const answer = this.#arrived();
    const body = await bodyOf(request).catch(() => undefined);
    if (!body) return; // The client went away in the middle of its request.
    const received = read(body, request.headers['content-type'], request.headers['content-encoding'] === 'gzip');
    const type = request.headers['content-type'] ?? 'application/json';
    const say = (status: number, text: string | Uint8Array = '', headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': type, ...headers }).end(text);
    if (request.url !== PATH) {
      this.violations.push(`${request.method} ${request.url} was requested`);
      return void say(404);
    }
    switch (answer?.kind) {
      case 'status':
        this.#asksForQuiet();
        return void say(answer.status, answer.body ?? '', answer.headers);
      case 'refusesForm':
        if (answer.form === received.form || (answer.form === 'gzip' && received.isGzip)) return void say(415);
        break;
      case 'tooLarge':
        if (received.bytes > answer.maxBytes) return void say(413);
        break;
      case 'resetInResponse':
        this.#take(received);
        response.writeHead(200, { 'content-type': type, 'content-length': '1000' });
        return void response.write('{"partialSuccess":', () => socket.resetAndDestroy());
      case 'reset':
        return void socket.resetAndDestroy();
      case 'silent':
        return;
      case 'garbage':
        return void socket.end('\u0000\u0001 what is this? \r\n\r\n');
      case 'partial':
        this.#take(received, answer.rejected);
        return void say(200, partialSuccess(received.form, answer.rejected));
      case 'trickle':
        return void trickle(socket);
      case 'hugeAnswer':
        this.#take(received);
        return void sendHuge(response, answer.bytes);
      case 'informational':
        response.writeProcessing();
        response.writeEarlyHints({ link: '</style.css>; rel=preload' });
        break;
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, answer.delayMillis));
    }
    if (received.violation !== undefined) {
      this.violations.push(received.violation);
      return void say(400, received.violation, { 'content-type': 'text/plain' });
    }
    this.#take(received);
    say(200, received.form === 'json' ? '{"partialSuccess":{}}' : '');
  }

  async #overGrpc(stream: ServerHttp2Stream): Promise<void> {
    const answer = this.#arrived();
    const framed = await bodyOf(stream).catch(() => undefined);
    if (!framed) return;
    const received = read(framed.subarray(5), 'application/x-protobuf', framed[0] === 1);
    const fail = (code: number, message: string, details?: Uint8Array) => {
      const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code };
      const bin = details && { 'grpc-status-details-bin': Buffer.from(details).toString('base64') };
      stream.respond({ ...headers, 'grpc-message': encodeURIComponent(message), ...bin }, { endStream: true });
    };
    if (answer?.kind === 'grpc') {
      const { code, message, retryInMillis } = answer;
      this.#asksForQuiet();
      return fail(code, message, retryInMillis === undefined ? undefined : retryInfo(code, message, retryInMillis));
    }
    if (answer?.kind === 'tooLarge' && received.bytes > answer.maxBytes) {
      return fail(8, `grpc: received message larger than max (${received.bytes} vs. ${answer.maxBytes})`);
    }
    const rejected = answer?.kind === 'partial' ? answer.rejected : 0;
    this.#take(received, rejected);
    const message = rejected > 0 ? partialSuccess('protobuf', rejected) : Buffer.alloc(0);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([head, message]));
  }
}

export async function startBackend(options: BackendOptions = {}): Promise<Backend> {
  const backend = new OtlpBackend(options);
  await backend.up();
  return backend;
}

async function bodyOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function read(body: Buffer, type: string | undefined, isGzip: boolean): Received {
  const form = type === 'application/json' ? 'json' : 'protobuf';
  try {
    const plain = isGzip ? gunzipSync(body) : body;
    const common = { bytes: plain.length, form, isGzip } as const;
    if (form === 'protobuf') return { ...common, spanIds: spanIdsOf(plain) };
    const { spans, violations } = parseOtlpJson(plain.toString('utf8'));
    return { ...common, spanIds: spans.map(({ spanId }) => spanId), violation: violations[0] };
  } catch (error) {
    return { bytes: body.length, form, isGzip, spanIds: [], violation: `body: ${error}` };
  }
}

function partialSuccess(form: Received['form'], rejected: number): Buffer {
  if (form === 'json') {
    return Buffer.from(JSON.stringify({ partialSuccess: { rejectedSpans: `${rejected}`, errorMessage: 'no room' } }));
  }
  return bytesMessage(1, Buffer.concat([varintMessage(1, rejected), textMessage(2, 'no room')]));
}

/** A google.rpc.Status with a google.rpc.RetryInfo. */
function retryInfo(code: number, message: string, millis: number): Buffer {
  const delay = Buffer.concat([varintMessage(1, Math.floor(millis / 1000)), varintMessage(2, (millis % 1000) * 1e6)]);
  const any = Buffer.concat([
    textMessage(1, 'type.googleapis.com/google.rpc.RetryInfo'),
    bytesMessage(2, bytesMessage(1, delay)),
  ]);
  return Buffer.concat([varintMessage(1, code), textMessage(2, message), bytesMessage(3, any)]);
}

function trickle(socket: Socket): void {
  const text = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-filler: ${'x'.repeat(8000)}`;
  let sent = 0;
  const timer = setInterval(() => socket.write(text[sent++ % text.length] as string), 200);
  socket.on('close', () => clearInterval(timer));
}

function sendHuge(response: ServerResponse, bytes: number): void {
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  let left = bytes;
  response.writeHead(200, { 'content-type': 'application/json' });
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) return void response.once('drain', more);
    }
    response.end('{}');
  };
  more();
}

let certificate: { key: Buffer; cert: Buffer } | undefined;

/** A certificate that no client trusts. Needs `openssl`. */
function selfSigned(): { key: Buffer; cert: Buffer } {
  if (certificate) return certificate;
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-faults-tls-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  certificate = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(directory, { recursive: true });
  return certificate;
}
