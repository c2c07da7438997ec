/** Every way in which a server learns that its client is gone, each of them twice: the client leaves, and the upstream breaks. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { stream as honoStream } from 'hono/streaming';
import OpenAI from 'openai';
import { recordingFetch, wrapFetch } from 'runtrace';
import { only, type Traced, traced } from '../../support/traced.js';
import { until } from '../../support/until.js';
import { ask, listen, modelUrl, type Server, slowModel, startModel, stopModel, trial } from '../../support/visits.js';

before(startModel);
after(stopModel);

type Handle = (response: ServerResponse) => Promise<unknown>;

/** How a handler of `node:http` passes a model's stream on. */
const HANDLERS: Record<string, Handle> = {
  'pipeline() of a Readable': async (response) =>
    pipeline(Readable.fromWeb((await ask()) as Parameters<typeof Readable.fromWeb>[0]), response),
  'pipeline() of a web stream': async (response) =>
    pipeline((await ask()) as unknown as NodeJS.ReadableStream, response),
  'pipeline() of an async generator': async (response) =>
    pipeline(async function* () {
      yield* await ask();
    }, response),
  'pipeline() of Readable.from() an async generator': async (response) => {
    const parts = await ask();
    const generator = async function* () {
      yield* parts;
    };
    await pipeline(Readable.from(generator()), response);
  },
  'pipeline() with a signal': async (response) => {
    const controller = new AbortController();
    response.on('close', () => controller.abort());
    const parts = await ask();
    const generator = async function* () {
      yield* parts;
    };
    await pipeline(
      Readable.from(generator()),
      async (source: AsyncIterable<unknown>) => {
        for await (const part of source) response.write(part);
        response.end();
      },
      { signal: controller.signal },
    );
  },
  'pipeTo() a Writable': async (response) => (await ask()).pipeTo(Writable.toWeb(response)),
  'finished() beside a loop that writes': async (response) => {
    const controller = new AbortController();
    const left = finished(response).catch((error) => {
      controller.abort(error);
      throw error;
    });
    const loop = (async () => {
      for await (const chunk of await ask(controller.signal)) response.write(chunk);
      response.end();
    })();
    await Promise.all([left, loop]);
  },
  'write() with a callback': async (response) => {
    let failed: Error | null | undefined;
    for await (const chunk of await ask()) {
      if (failed) throw failed;
      response.write(chunk, (error) => {
        failed ??= error;
      });
    }
    response.end();
  },
  'a signal with a string as its reason': async (response) => {
    const controller = new AbortController();
    response.on('close', () => controller.abort('user left'));
    const { signal } = controller;
    for await (const chunk of await ask(signal).then(leniently)) response.write(chunk);
    signal.throwIfAborted();
  },
  'a signal with a string as its reason, given to the openai client': async (response) => {
    const controller = new AbortController();
    const { signal } = controller;
    response.on('close', () => controller.abort('user left'));
    const client = new OpenAI({
      apiKey: 'none',
      baseURL: `${modelUrl()}/v1`,
      fetch: recordingFetch,
      logLevel: 'off',
    });
    const stream = await client.chat.completions.create({ model: 'gpt-5', stream: true, messages: [] }, { signal });
    for await (const chunk of stream) response.write(JSON.stringify(chunk));
    signal.throwIfAborted();
  },
  'a signal with an error as its reason': async (response) => {
    const controller = new AbortController();
    response.on('close', () => controller.abort(new RangeError('gone')));
    for await (const chunk of await ask(controller.signal)) response.write(chunk);
  },
  'once() with a signal': async (response) => {
    const controller = new AbortController();
    response.on('close', () => controller.abort());
    for await (const chunk of await ask()) {
      response.write(chunk);
      await once(new EventTarget() as never, 'never', {
        signal: AbortSignal.any([controller.signal, AbortSignal.timeout(1)]),
      }).catch((error) => {
        if (controller.signal.aborted) throw error;
      });
    }
  },
  'enqueue() in a web stream that is cancelled': async (response) => {
    const body = await ask();
    let failed: (error: unknown) => void = () => {};
    const done = new Promise<void>((resolve, reject) => {
      failed = reject;
      response.on('finish', resolve);
    });
    const stream = new ReadableStream({
      async start(controller) {
        try {
          for await (const chunk of body) controller.enqueue(chunk);
          controller.close();
        } catch (error) {
          failed(error);
          throw error;
        }
      },
    });
    const reader = stream.getReader();
    response.on('close', () => reader.cancel().catch(() => {}));
    const pump = async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        response.write(value);
      }
      response.end();
    };
    pump().catch(() => response.destroy());
    await done;
  },
};

/** Reads like the model clients, which end without an error when they are aborted in mid-stream. */
function leniently(stream: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  return (async function* () {
    try {
      yield* stream;
    } catch (error) {
      if (error !== 'user left') throw error;
    }
  })();
}

const IN_A_RUN: Record<string, (scene: Traced, handle: () => Promise<unknown>) => Promise<unknown>> = {
  'in a run': ({ recorder }, handle) => recorder.run({ kind: 'chat_turn' }, handle),
  'in an explicit step': ({ recorder }, handle) =>
    recorder.run({ kind: 'chat_turn' }, () => recorder.step({ model: 'gpt-5' }, handle)),
};

for (const [where, inRun] of Object.entries(IN_A_RUN)) {
  describe(`${where}, a handler of node:http`, () => {
    for (const [name, handle] of Object.entries(HANDLERS)) {
      const serveRun = (scene: Traced) =>
        listen((_request, response) => {
          response.writeHead(200);
          inRun(scene, () => handle(response)).catch(() => response.destroy());
        });

      test(`that learns by ${name} that its client is gone is interrupted`, async () => {
        assert.deepEqual(await trial(serveRun, true), ['interrupted', 'interrupted']);
      });

      test(`that learns by ${name} that the upstream broke is an error`, async () => {
        assert.deepEqual(await trial(serveRun, false), ['error', 'error']);
      });
    }
  });
}

describe('a handler of hono', () => {
  const HONO: Record<string, (app: Hono, scene: Traced) => void> = {
    'the signal of its request': (app, { recorder }) =>
      app.get('/', (c) =>
        honoStream(c, (stream) =>
          recorder.run({ kind: 'chat_turn' }, async () => {
            for await (const chunk of await ask(c.req.raw.signal)) await stream.write(chunk);
          }),
        ),
      ),
    'onAbort() of its stream': (app, { recorder }) =>
      app.get('/', (c) =>
        honoStream(c, (stream) =>
          recorder.run({ kind: 'chat_turn' }, async () => {
            const controller = new AbortController();
            stream.onAbort(() => controller.abort('left'));
            for await (const chunk of await ask(controller.signal)) await stream.write(chunk);
          }),
        ),
      ),
    'the Response that it returned': (app, { recorder }) =>
      app.get('/', () => recorder.run({ kind: 'chat_turn' }, async () => new Response(await ask()))),
  };
  for (const [name, route] of Object.entries(HONO)) {
    const serveRun = async (scene: Traced): Promise<Server> => {
      const app = new Hono();
      route(app, scene);
      const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
        const made = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made));
      });
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () => void server.close(),
      };
    };

    test(`that learns by ${name} that its client is gone is interrupted`, async () => {
      assert.deepEqual(await trial(serveRun, true), ['interrupted', 'interrupted']);
    });

    test(`that learns by ${name} that the upstream broke is an error`, async () => {
      assert.deepEqual(await trial(serveRun, false), ['error', 'error']);
    });
  }
});

describe('a client that leaves while it sends its request', () => {
  test('interrupts the run that reads the request', async () => {
    const scene = traced();
    const server = await listen((incoming) => {
      scene.recorder
        .run({ kind: 'chat_turn' }, async () => {
          for await (const _chunk of incoming);
        })
        .catch(() => {});
    });
    const asked = request(server.url, { method: 'POST', headers: { 'content-length': '1000' } });
    asked.on('error', () => {});
    asked.write('some');
    await new Promise((resolve) => setTimeout(resolve, 50));
    asked.destroy();
    await until(() => scene.runs().length === 1);
    server.close();
    assert.equal(only(scene.runs()).attributes['runtrace.status'], 'interrupted');
  });

  test('is not what happens when an upstream breaks that is read by node:http', async () => {
    const scene = traced();
    const server = await listen((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('some');
      setTimeout(() => response.destroy(), 20);
    });
    await assert.rejects(
      scene.recorder.run({ kind: 'chat_turn' }, async () => {
        const [response] = (await once(get(server.url), 'response')) as [IncomingMessage];
        for await (const _chunk of response);
      }),
    );
    server.close();
    await scene.shutdown();
    assert.equal(only(scene.runs()).attributes['runtrace.status'], 'error');
  });
});

function mcpError(code: number, message: string): Error {
  return Object.assign(new Error(`MCP error ${code}: ${message}`), { name: 'McpError', code });
}

function aggregateOfItself(): AggregateError {
  const error = new AggregateError([]);
  error.errors.push(error);
  return error;
}

describe('an error of another library', () => {
  /** As the libraries make them; each is made by hand here, because the library is not installed. */
  const ERRORS: Record<string, [error: unknown, status: string]> = {
    'of body-parser, for a request that was aborted': [
      Object.assign(new Error('request aborted'), { code: 'ECONNABORTED', type: 'request.aborted', status: 400 }),
      'interrupted',
    ],
    'of express, for a file that was not sent whole': [
      Object.assign(new Error('Request aborted'), { code: 'ECONNABORTED' }),
      'interrupted',
    ],
    'of axios, for a timeout': [
      Object.assign(new Error('timeout of 100ms exceeded'), { name: 'AxiosError', code: 'ECONNABORTED' }),
      'error',
    ],
    'of node-fetch, for an upstream that broke': [
      Object.assign(new Error('Premature close'), { name: 'FetchError', code: 'ERR_STREAM_PREMATURE_CLOSE' }),
      'error',
    ],
    'of fastify, for a handler that took too long': [
      Object.assign(new Error('timed out'), { name: 'FastifyError', code: 'FST_ERR_HANDLER_TIMEOUT' }),
      'error',
    ],
    'of an MCP client, for a call that was aborted': [
      mcpError(-32001, 'AbortError: This operation was aborted'),
      'interrupted',
    ],
    'of an MCP client, for a call that took too long': [mcpError(-32001, 'Request timed out'), 'error'],
    'of an MCP client, for a call that a signal ended because it took too long': [
      mcpError(-32001, 'TimeoutError: The operation was aborted due to timeout'),
      'error',
    ],
    'of an MCP server, that quotes an abort': [mcpError(-32603, 'AbortError: This operation was aborted'), 'error'],
    'of a database, for a connection that broke': [
      Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }),
      'error',
    ],
    'of axios, for a call that was cancelled': [
      Object.assign(new Error('canceled'), { name: 'CanceledError', code: 'ERR_CANCELED' }),
      'interrupted',
    ],
    'of got, for a call that was cancelled': [
      Object.assign(new Error('Promise was canceled'), { name: 'CancelError', code: 'ERR_CANCELED' }),
      'interrupted',
    ],
    'of a client made by Fern, for a call that was aborted': [
      Object.assign(new Error('The user aborted a request'), { name: 'CohereError' }),
      'interrupted',
    ],
    'that is an aggregate of itself': [aggregateOfItself(), 'error'],
    'that only wraps an abort, where no call was stopped': [
      new Error('search failed', { cause: new DOMException('stopped', 'AbortError') }),
      'error',
    ],
    'that is a string, and no signal’s reason': ['no such tool', 'error'],
    'that is undefined': [undefined, 'error'],
    'whose getters throw': [
      Object.defineProperty(new Error('x'), 'code', {
        get() {
          throw new Error('no code');
        },
      }),
      'error',
    ],
  };
  for (const [name, [error, status]] of Object.entries(ERRORS)) {
    test(`${name}, is ${status}`, async () => {
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, () => Promise.reject(error)).catch(() => {});
      await scene.shutdown();
      assert.equal(only(scene.runs()).attributes['runtrace.status'], status);
    });
  }
});

describe('a value that is no error', () => {
  async function statusOf(reason: unknown, thrown: unknown, nested = false): Promise<unknown> {
    const scene = traced();
    const { run } = scene.recorder;
    const controller = new AbortController();
    const play = async () => {
      await new Response(await ask(controller.signal)).text();
      controller.abort(reason);
      throw thrown;
    };
    const inRun = () => (nested ? run({ kind: 'inner' }, play) : play());
    await run({ kind: 'chat_turn' }, inRun).catch(() => {});
    await scene.shutdown();
    const outer = scene.runs().find(({ attributes }) => attributes['runtrace.run.kind'] === 'chat_turn');
    return outer?.attributes['runtrace.status'];
  }

  test('is a stop if it is the reason of a signal that a call was given, also after that call', async () => {
    for (const reason of ['user left', 7, Symbol('left')]) assert.equal(await statusOf(reason, reason), 'interrupted');
    const error = new RangeError('mine');
    assert.equal(await statusOf(error, error), 'interrupted');
  });

  test('is a stop in the run around the run that made the call, too', async () => {
    assert.equal(await statusOf('user left', 'user left', true), 'interrupted');
  });

  test('is an error if it is another value', async () => {
    assert.equal(await statusOf('user left', 'no such tool'), 'error');
    assert.equal(await statusOf(undefined, 'no such tool'), 'error');
  });

  test('is an error if no call was given the signal', async () => {
    const scene = traced();
    const controller = new AbortController();
    const fetch = wrapFetch(async () => Response.json({}));
    await scene.recorder
      .run({ kind: 'chat_turn' }, async () => {
        await fetch('https://api.openai.com/v1/chat/completions', { method: 'POST', body: '{"model":"gpt-5"}' });
        controller.abort('user left');
        controller.signal.throwIfAborted();
      })
      .catch(() => {});
    await scene.shutdown();
    assert.equal(only(scene.runs()).attributes['runtrace.status'], 'error');
  });
});

describe('an error that has the stop inside', () => {
  /** The statuses of the run and its steps, where `calls` are stopped and their errors are thrown as `wrap` makes them. */
  async function statusesOf(reason: unknown, wrap: (call: Promise<unknown>) => Promise<unknown>): Promise<unknown[]> {
    const scene = traced();
    const controller = new AbortController();
    const stopped = () => ask(controller.signal).then((body) => new Response(body).text());
    setTimeout(() => controller.abort(reason), 20);
    await scene.recorder
      .run({ kind: 'chat_turn' }, () => scene.recorder.step({ model: 'gpt-5' }, () => wrap(stopped())))
      .catch(() => {});
    await scene.shutdown();
    return [only(scene.runs()), only(scene.steps())].map(({ attributes }) => attributes['runtrace.status']);
  }
  const wrapped = (call: Promise<unknown>) =>
    call.catch((cause) => {
      throw new Error('the client failed', { cause: new Error('the transport failed', { cause }) });
    });

  before(() => slowModel());

  const WRAPS: Record<string, (call: Promise<unknown>) => Promise<unknown>> = {
    'as the cause of a cause': wrapped,
    'as all errors of Promise.any()': (call) => Promise.any([call, call]),
  };
  for (const [name, wrap] of Object.entries(WRAPS)) {
    for (const reason of [undefined, 'user left', new RangeError('user left')]) {
      test(`${name} is a stop, for the reason ${reason}`, async () => {
        assert.deepEqual(await statusesOf(reason, wrap), ['interrupted', 'interrupted']);
      });
    }
  }

  test('beside an error of another kind is an error', async () => {
    const other = Promise.reject(new RangeError('no such tool'));
    other.catch(() => {});
    assert.deepEqual(await statusesOf(undefined, (call) => Promise.any([call, other])), ['error', 'error']);
  });

  test('is an error if the reason says that time ran out', async () => {
    assert.deepEqual(await statusesOf('timeout', wrapped), ['error', 'error']);
    assert.deepEqual(await statusesOf('The request timed out.', (call) => call), ['error', 'error']);
  });
});
