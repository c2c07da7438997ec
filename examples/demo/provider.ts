/**
 * A model provider on this machine: it speaks the wire formats of OpenAI (Chat Completions and Responses), Anthropic and
 * Gemini over real HTTP, and misbehaves as it is told.
 *
 *     const provider = await startProvider();
 *     provider.script('gpt-5', status(429), status(429), ok({ text: 'Hello.' }));
 *     const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1` });
 *
 * A script belongs to a model's name, and any name will do: `gpt-5.case-17` keeps one case apart from all the others
 * that run at the same moment, with every client.
 */

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { anthropicMessages } from './wire/anthropic.js';
import { type Answer, type Call, type FullAnswer, type WireFormat, words } from './wire/format.js';
import { gemini } from './wire/gemini.js';
import { openAIChat } from './wire/openai-chat.js';
import { openAIResponses } from './wire/openai-responses.js';

export type { Answer, ToolCall, Usage } from './wire/format.js';

const FORMATS: readonly WireFormat[] = [openAIChat, openAIResponses, anthropicMessages, gemini];

/** What is sent must have been read by the client before the reset overtakes it. */
const BEFORE_RESET_MILLIS = 20;

/** A running provider. */
export interface Provider {
  /** Where it listens, without a path: `http://127.0.0.1:49152`. */
  readonly url: string;
  /** Every request for a model so far, in order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /**
   * Says how the next calls of `model` go: one behaviour a request, in order of arrival; the last one stays.
   * Replaces the model's script. A model without one is answered with `ok()`.
   */
  script(model: string, ...behaviours: [Behaviour, ...Behaviour[]]): void;
  /** Closes every connection and stops. */
  close(): Promise<void>;
}

/** A request as it arrived, and what became of its answer. */
export interface ReceivedRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as text, and parsed. */
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number;
  /** Bytes of the answer's body that the operating system has taken so far. */
  readonly bytesWritten: number;
  /** Whether the client closed the connection before the answer was over. */
  readonly closedByClient: boolean;
  /** Resolves when the answer is over, ended by either side. */
  readonly closed: Promise<void>;
}

/** How one request is dealt with. An own one is a function that writes to `exchange.response`. */
export type Behaviour = (exchange: Exchange) => void | Promise<void>;

/** Starts a provider on a free port of 127.0.0.1. It speaks `others` too, which come before its own formats. */
export async function startProvider(others: readonly WireFormat[] = []): Promise<Provider> {
  const requests: ReceivedRequest[] = [];
  const scripts = new Map<string, Behaviour[]>();

  const next = (model: string): Behaviour => {
    const script = scripts.get(model);
    return (script && script.length > 1 ? script.shift() : script?.[0]) ?? ok();
  };

  const server = createServer(async (request, response) => {
    const text = await buffer(request).then(String, () => undefined);
    if (text === undefined) return;
    const path = request.url ?? '/';
    const body = parse(text);
    const { method = 'GET', headers } = request;
    for (const format of [...others, ...FORMATS]) {
      const call = format.read(path.split('?', 1)[0] ?? '', body, headers);
      if (!call) continue;
      const exchange = new Exchange(format, call, response, { method, path, headers, text, body });
      requests.push(exchange.request);
      return next(call.model)(exchange);
    }
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"Not found"}}');
  });
  // Clients keep their connections; one that is closed under a client's next request would be a reset that the demo does not mean to show.
  server.keepAliveTimeout = 60_000;
  // Room for a thousand clients that connect at once.
  const address = { port: 0, host: '127.0.0.1', backlog: 2048 };
  await new Promise<void>((resolve) => server.listen(address, resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    script: (model, ...behaviours) => void scripts.set(model, behaviours),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One request and the answer to it: what a behaviour works with. */
export class Exchange {
  readonly format: WireFormat;
  readonly call: Call;
  readonly response: ServerResponse;
  readonly request: ReceivedRequest;
  /** Aborted when the answer is over, ended by either side. */
  readonly over: AbortSignal;
  readonly #id = randomBytes(12).toString('hex');
  readonly #progress: { bytesWritten: number; closedByClient: boolean };
  #reset = false;

  constructor(
    format: WireFormat,
    call: Call,
    response: ServerResponse,
    received: Pick<ReceivedRequest, 'method' | 'path' | 'headers' | 'text' | 'body'>,
  ) {
    this.format = format;
    this.call = call;
    this.response = response;
    const over = new AbortController();
    this.over = over.signal;
    const progress = {
      model: call.model,
      stream: call.stream,
      ...received,
      arrivedAt: Date.now(),
      bytesWritten: 0,
      closedByClient: false,
      closed: new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve())),
    };
    this.request = progress;
    this.#progress = progress;
    response.on('close', () => {
      progress.closedByClient = !response.writableFinished && !this.#reset;
      over.abort();
    });
  }

  /** Writes the status line and the headers, with this API's own. */
  begin(status = 200, headers: Record<string, string> = {}): void {
    const { streamType = 'text/event-stream; charset=utf-8' } = this.format;
    const contentType = this.call.stream && status === 200 ? streamType : 'application/json';
    const own = this.format.headers(this.#id, status);
    this.response.writeHead(status, { 'content-type': contentType, ...own, ...headers });
    this.response.flushHeaders();
  }

  /** An answer in the pieces in which it is sent: the events of a stream, or the parts of a JSON text. */
  *pieces(answer: Answer): Iterable<string | Uint8Array> {
    const text = answer.text ?? (answer.toolCalls ? '' : 'Hello there, how can I help?');
    const full: FullAnswer = {
      id: this.#id,
      model: answer.model ?? this.call.model,
      toolCalls: answer.toolCalls ?? [],
      usage: answer.usage ?? { input: 12, output: 8 },
    };
    if (this.call.stream) {
      yield* this.format.events(full, typeof text === 'string' ? words(text) : text, this.call);
    } else if (typeof text === 'string') {
      yield* quarters(JSON.stringify(this.format.whole(full, text)));
    } else {
      const [head = '', tail = ''] = JSON.stringify(this.format.whole(full, PLACEHOLDER)).split(PLACEHOLDER);
      yield head;
      for (const piece of text) yield JSON.stringify(piece).slice(1, -1);
      yield tail;
    }
  }

  /** Writes pieces as fast as the client takes them, or with a pause between them, until the client is gone. */
  async write(pieces: Iterable<string | Uint8Array>, pauseMillis = 0): Promise<void> {
    let pause = 0;
    for (const piece of pieces) {
      if (pause > 0) await sleep(pause, undefined, { signal: this.over }).catch(() => {});
      if (this.over.aborted) return;
      await this.#writeOne(piece);
      pause = pauseMillis;
    }
  }

  /** Ends the answer as HTTP ends one. */
  end(): void {
    this.response.end();
  }

  /** Resets the connection, after what was written has arrived. */
  async reset(): Promise<void> {
    this.#reset = true;
    await sleep(BEFORE_RESET_MILLIS);
    this.response.socket?.resetAndDestroy();
  }

  #writeOne(piece: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      // A write that the connection's end makes void never calls back.
      const done = () => {
        this.over.removeEventListener('abort', done);
        resolve();
      };
      this.over.addEventListener('abort', done);
      this.response.write(piece, (error) => {
        if (!error) this.#progress.bytesWritten += Buffer.byteLength(piece);
        done();
      });
    });
  }
}

/** Answers. */
export function ok(answer: Answer = {}): Behaviour {
  return slow(0, answer);
}

/** Answers, with a pause between the events of a stream or the parts of a JSON text. */
export function slow(pauseMillis: number, answer: Answer = {}): Behaviour {
  return async (exchange) => {
    exchange.begin();
    await exchange.write(exchange.pieces(answer), pauseMillis);
    exchange.end();
  };
}

/** Answers with a text of this many bytes, no faster than the client takes it. */
export function hugeBody(bytes: number): Behaviour {
  return ok({ text: { [Symbol.iterator]: () => filler(bytes) } });
}

/** What an error status can come with. */
export interface StatusOptions {
  /** The `retry-after` header: seconds, or a date as HTTP writes them. */
  retryAfter?: number | string;
  /** The `retry-after-ms` header, which model clients prefer. */
  retryAfterMillis?: number;
  /** The body; the provider's own for this status if left out. A string is sent as it is. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** Fails with an HTTP status and the provider's own error body for it. */
export function status(code: number, options: StatusOptions = {}): Behaviour {
  const { retryAfter, retryAfterMillis, body, headers } = options;
  return async (exchange) => {
    const content = body ?? exchange.format.failure(code);
    exchange.begin(code, {
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...(retryAfterMillis !== undefined && { 'retry-after-ms': String(retryAfterMillis) }),
      ...headers,
    });
    await exchange.write([typeof content === 'string' ? content : JSON.stringify(content)]);
    exchange.end();
  };
}

/** Resets the connection instead of answering. */
export function resetBeforeHeaders(): Behaviour {
  return (exchange) => exchange.reset();
}

/** Resets the connection in the middle of the headers. */
export function resetInHeaders(): Behaviour {
  return (exchange) => {
    exchange.response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: text/ev');
    return exchange.reset();
  };
}

/** Sends the first pieces of an answer, then resets the connection. */
export function resetMidStream(afterPieces = 2, answer: Answer = {}): Behaviour {
  return async (exchange) => {
    exchange.begin();
    await exchange.write(first(exchange.pieces(answer), afterPieces));
    await exchange.reset();
  };
}

/** Sends the first pieces of an answer, then nothing, until the client goes away. */
export function stallMidStream(afterPieces = 2, answer: Answer = {}): Behaviour {
  return async (exchange) => {
    exchange.begin();
    await exchange.write(first(exchange.pieces(answer), afterPieces));
  };
}

/** Sends the first events of a stream, then the provider's error event. Where no stream was asked for: an error body with a 200. */
export function errorEventMidStream(afterPieces = 2, answer: Answer = {}): Behaviour {
  return async (exchange) => {
    exchange.begin();
    if (exchange.call.stream) {
      await exchange.write(first(exchange.pieces(answer), afterPieces));
      await exchange.write([exchange.format.errorEvent()]);
    } else {
      await exchange.write([JSON.stringify(exchange.format.failure(500))]);
    }
    exchange.end();
  };
}

/**
 * Ends properly, but without the last events of a stream or the last parts of a JSON text. What tells that an answer is
 * complete are the last three in Chat Completions (finish reason, usage, `[DONE]`) and the last one elsewhere.
 */
export function endWithoutLastEvent(answer: Answer = {}, missingPieces = 3): Behaviour {
  return async (exchange) => {
    exchange.begin();
    await exchange.write([...exchange.pieces(answer)].slice(0, -missingPieces));
    exchange.end();
  };
}

/** Never answers; waits until the client goes away. */
export function hang(): Behaviour {
  return () => {};
}

/** A 200 with bytes that are no JSON, no events and no text. */
export function garbage(): Behaviour {
  return body200(Buffer.from('00ff8d1f7b22c328a0a1f09f98', 'hex'));
}

/** A 200 with nothing in it. */
export function empty(): Behaviour {
  return body200('');
}

/** A 200 with a web page, as a proxy or a captive portal sends. */
export function html(): Behaviour {
  return body200('<!doctype html><html><body><h1>Sign in to the network</h1></body></html>', 'text/html');
}

/** A 200 with the first half of a JSON text, properly ended. */
export function halfJson(): Behaviour {
  return async (exchange) => {
    const json = [...exchange.pieces({})].join('').trimEnd();
    exchange.begin();
    await exchange.write([json.slice(0, json.length / 2)]);
    exchange.end();
  };
}

function body200(body: string | Uint8Array, contentType?: string): Behaviour {
  return (exchange) => {
    exchange.begin(200, contentType ? { 'content-type': contentType } : {});
    return exchange.write(body.length > 0 ? [body] : []).then(() => exchange.end());
  };
}

const PLACEHOLDER = '(the text goes here)';

function* filler(bytes: number): Iterator<string> {
  const line = 'The quick brown fox jumps over the lazy dog. ';
  const piece = line.repeat(Math.ceil(65_536 / line.length));
  for (let left = bytes; left > 0; left -= piece.length) yield left < piece.length ? piece.slice(0, left) : piece;
}

function quarters(text: string): string[] {
  const size = Math.ceil(text.length / 4);
  return [0, 1, 2, 3].map((part) => text.slice(part * size, (part + 1) * size));
}

function* first<T>(pieces: Iterable<T>, count: number): Iterable<T> {
  let sent = 0;
  for (const piece of pieces) {
    if (sent++ >= count) return;
    yield piece;
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
