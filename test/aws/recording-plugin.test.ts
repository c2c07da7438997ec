import assert from 'node:assert/strict';
import { request as send } from 'node:http';
import {
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Server,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { type RecordingPlugin, recordingPlugin } from 'runtrace/aws';
import {
  ok,
  type Provider,
  resetMidStream,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { bedrockConverse } from '../harness/clients/wire/bedrock.js';
import { awsMessage } from '../providers/stream/aws-messages.js';
import { attemptsOf, only, outcomesOf, stepsOfRun, traced } from '../support/traced.js';

interface Request {
  method: string;
  protocol: string;
  hostname: string;
  port: number;
  path: string;
  query?: Record<string, string | string[]>;
  headers: Record<string, string>;
  body?: Uint8Array;
}

interface Result {
  response: { statusCode: number; headers: Record<string, string>; body: Readable };
}

type Handler = (args: { request: unknown }) => Promise<Result>;
type Middleware = (next: Handler, context: object) => Handler;

/** A stub of the AWS SDK's middleware stack, and of its client: it sends over node:http, and retries a 429 with the same request. */
class StubClient {
  readonly #middleware: { name: string; use: Middleware }[] = [];
  readonly #handle: Handler;

  constructor(handle: Handler = sendByHttp1) {
    this.#handle = handle;
  }

  use(plugin: RecordingPlugin): this {
    plugin.applyToStack(this);
    return this;
  }

  add(middleware: Middleware, options: { name: string; override?: boolean }): void {
    const at = this.#middleware.findIndex(({ name }) => name === options.name);
    if (at >= 0 && !options.override) throw new Error(`${options.name} is in the stack`);
    if (at >= 0) this.#middleware.splice(at, 1);
    this.#middleware.push({ name: options.name, use: middleware });
  }

  async send(request: Request | string, signal?: AbortSignal): Promise<Result> {
    const context = { __smithy_context: signal && { abortSignal: signal } };
    const handler = this.#middleware.reduce<Handler>((next, { use }) => use(next, context), this.#handle);
    const result = await handler({ request });
    if (result.response.statusCode !== 429) return result;
    await buffer(result.response.body);
    return this.send(request, signal);
  }
}

function sendByHttp1({ request }: { request: unknown }): Promise<Result> {
  if (typeof request === 'string') throw new TypeError('no request of HTTP');
  const { method, hostname, port, path, headers, body } = request as Request;
  const { ':authority': _authority, ...own } = headers;
  return new Promise((resolve, reject) => {
    const sent = send({ method, hostname, port, path, headers: own }, (message) => {
      const { statusCode = 0, headers: received } = message;
      resolve({ response: { statusCode, headers: received as Record<string, string>, body: message } });
    });
    sent.on('error', reject).end(body);
  });
}

/** A server over HTTP/2 that sends the first event of a stream. */
async function startHttp2(then: (response: Http2ServerResponse) => void): Promise<Http2Server> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    response.write(awsMessage('messageStart', { role: 'assistant' }), () => then(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Sends over a connection of its own that takes no other request, as the AWS SDK does for a stream. */
function sendByHttp2(server: Http2Server): Handler {
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.on('error', () => {});
  return ({ request }) => {
    const { method, path, body } = request as Request;
    const stream = session.request({ ':method': method, ':path': path }).end(body);
    return new Promise((resolve) => {
      stream.on('response', ({ ':status': statusCode = 0, ...headers }) => {
        session.close();
        resolve({ response: { statusCode, headers: headers as Record<string, string>, body: stream } });
      });
    });
  };
}

/** How the other side ends a stream in the middle. */
const HTTP2_ENDS: Record<string, (response: Http2ServerResponse) => void> = {
  'that is reset with CANCEL': ({ stream }) => stream.close(constants.NGHTTP2_CANCEL),
  'that is reset with INTERNAL_ERROR': ({ stream }) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  'whose connection is reset': ({ stream }) => void setTimeout(() => stream.session?.socket.resetAndDestroy(), 20),
};

describe('recordingPlugin', () => {
  let provider: Provider;
  before(async () => {
    provider = await startProvider([bedrockConverse]);
  });
  after(() => provider.close());

  /** The step of one call in a run, and what the call resolved to. */
  async function stepOf<T>(
    call: (client: StubClient) => Promise<T>,
    handle?: Handler,
  ): Promise<{ step: ReadableSpan; result: T }> {
    const client = new StubClient(handle).use(recordingPlugin);
    const { steps, result } = await stepsOfRun(() => call(client));
    return { step: only(steps), result };
  }

  function converse(model: string, method = 'converse', more: Partial<Request> = {}): Request {
    const { hostname, port } = new URL(provider.url);
    const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }));
    const path = `/model/${model}/${method}`;
    return { method: 'POST', protocol: 'http:', hostname, port: Number(port), path, headers: {}, body, ...more };
  }

  test('records each attempt behind the retries, in one step', async () => {
    provider.script('retried', status(429), status(429), ok());
    const { step, result } = await stepOf(async (client) => {
      const { response } = await client.send(converse('retried'));
      return JSON.parse(String(await buffer(response.body)));
    });
    assert.deepEqual(outcomesOf(step), ['completed', '429 failed', '429 failed', '200 completed']);
    assert.equal(result.stopReason, 'end_turn');
    assert.equal(step.name, 'chat retried');
    assert.equal(step.attributes['gen_ai.usage.output_tokens'], 8);
  });

  test('lets a request without a URL go on to its handler', async () => {
    provider.script('no-url', ok());
    const { recorder } = traced();
    const client = new StubClient().use(recordingPlugin);
    const request = { ...converse('no-url'), protocol: undefined as never };
    const { response } = await recorder.run({ kind: 'chat_turn' }, () => client.send(request));
    assert.equal(response.statusCode, 200);
    await buffer(response.body);
  });

  test('records a stream to its end', async () => {
    provider.script('streamed', slow(1));
    const { step, result } = await stepOf(async (client) => {
      const { response } = await client.send(converse('streamed', 'converse-stream'));
      return (await buffer(response.body)).length;
    });
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
    assert.equal(only(attemptsOf(step))['http.response.body.size'], result);
  });

  test('records a stream that is left after its first chunk', async () => {
    provider.script('left', stallMidStream());
    const { step } = await stepOf(async (client) => {
      const { response } = await client.send(converse('left', 'converse-stream'));
      for await (const _chunk of response.body) break;
    });
    assert.deepEqual(outcomesOf(step), ['interrupted', '200 aborted']);
  });

  test('records a stream that breaks, and throws its error', async () => {
    provider.script('broken', resetMidStream());
    const { step, result } = await stepOf(async (client) => {
      const { response } = await client.send(converse('broken', 'converse-stream'));
      return buffer(response.body).then(undefined, (error: { code: string }) => error.code);
    });
    assert.deepEqual(outcomesOf(step), ['error', '200 failed']);
    assert.equal(step.attributes['error.type'], result);
  });

  test('records a request for HTTP/2, whose header :authority no fetch takes', async () => {
    const { step } = await stepOf(async (client) => {
      const { response } = await client.send(converse('over-http2', 'converse', { headers: { ':authority': 'a' } }));
      await buffer(response.body);
    });
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
  });

  for (const [how, end] of Object.entries(HTTP2_ENDS)) {
    test(`records a stream over HTTP/2 ${how} as broken`, async () => {
      const server = await startHttp2(end);
      const { step } = await stepOf(async (client) => {
        const { response } = await client.send(converse('http2', 'converse-stream'));
        await buffer(response.body).catch(() => {});
      }, sendByHttp2(server));
      server.close();
      assert.deepEqual(outcomesOf(step), ['error', '200 failed']);
    });
  }

  test('records a stream over HTTP/2 that its signal closes, and which then ends as if it were whole', async () => {
    const server = await startHttp2(() => {});
    const { step } = await stepOf(async (client) => {
      const controller = new AbortController();
      const { response } = await client.send(converse('closed', 'converse-stream'), controller.signal);
      for await (const _chunk of response.body) {
        controller.abort();
        // As the SDK's request handler does on an abort.
        (response.body as ClientHttp2Stream).close();
      }
    }, sendByHttp2(server));
    server.close();
    assert.deepEqual(outcomesOf(step), ['interrupted', '200 aborted']);
  });

  test('used twice on a stack, records once', async () => {
    const { step } = await stepOf(async (client) => {
      const { response } = await client.use(recordingPlugin).send(converse('twice'));
      await buffer(response.body);
    });
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
  });

  test('passes on what is no request of HTTP', async () => {
    const { recorder, steps, shutdown } = traced();
    const client = new StubClient().use(recordingPlugin);
    const sent = recorder.run({ kind: 'chat_turn' }, () => client.send('a message'));
    await assert.rejects(sent, new TypeError('no request of HTTP'));
    await shutdown();
    assert.deepEqual(steps(), []);
  });

  test('records nothing outside of a run', async () => {
    const { spans, shutdown } = traced();
    const { response } = await new StubClient().use(recordingPlugin).send(converse('no-run'));
    assert.equal(response.statusCode, 200);
    await buffer(response.body);
    await shutdown();
    assert.deepEqual(spans(), []);
  });
});
