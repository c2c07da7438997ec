import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from 'runtrace';
import { recordingFetch } from 'runtrace';
import {
  type Behaviour,
  hang,
  ok,
  type Provider,
  resetBeforeHeaders,
  resetMidStream,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { CLIENTS, type Client, type ClientMaker, read } from '../support/clients.js';
import { type Traced, traced } from '../support/traced.js';
import { until } from '../support/until.js';

/** A call that shows no sign of life for this long is given up, once its run is over. */
const SETTLE_MILLIS = 60;

interface Scene extends Traced {
  readonly client: Client;
  /** The model; the provider's behaviour belongs to it. */
  readonly model: string;
  /** A call of the chat API, streamed, without a client that would retry it. */
  call(init?: RequestInit): Promise<Response>;
}

interface Path {
  /** What happens inside of the run, and inside of an explicit step or of none. */
  play(scene: Scene, run: Run): unknown;
  /** What the provider does. Default: it answers. */
  behaviours?: [Behaviour, ...Behaviour[]];
  /** How the step ends. */
  step: string;
  /** How it ends if it is an explicit one, where that is different. */
  explicit?: string;
  /** How the run ends. Default: `completed`. */
  run?: string;
  /** Whether what `play` did is thrown on. */
  throws?: boolean;
  /** After the run's promise has settled. */
  afterwards?(scene: Scene, result: unknown): unknown;
}

class Boom extends Error {}

const PATHS: Record<string, Path> = {
  'a return': { play: async ({ call }) => (await call()).text(), step: 'completed' },
  'a throw after the answer, in the application': {
    play: async ({ call }) => {
      await (await call()).text();
      throw new Boom();
    },
    throws: true,
    // Only an explicit step knows of it: on the wire the call went well.
    step: 'completed',
    explicit: 'error',
    run: 'error',
  },
  'an error of the client': {
    behaviours: [status(400)],
    play: ({ client, model }) => client.generate(model),
    throws: true,
    step: 'error',
    run: 'error',
  },
  'retries until an answer': {
    behaviours: [status(429, { retryAfterMillis: 1 }), resetBeforeHeaders(), ok()],
    play: ({ client, model }) => client.generate(model),
    step: 'completed',
  },
  'retries in vain': {
    behaviours: [status(503, { retryAfterMillis: 1 })],
    play: ({ client, model }) => client.generate(model),
    throws: true,
    step: 'error',
    run: 'error',
  },
  'an abort before the headers': {
    behaviours: [hang()],
    play: async ({ client, model }) => {
      const leave = new AbortController();
      const call = client.generate(model, { signal: leave.signal });
      await arrived(model);
      leave.abort();
      return call;
    },
    throws: true,
    // The model client throws an error of its own; on the wire it was the caller who stopped it.
    step: 'interrupted',
    run: 'interrupted',
  },
  'an abort in mid-stream, which the client swallows': {
    behaviours: [stallMidStream()],
    play: async ({ client, model }) => {
      const leave = new AbortController();
      const stream = await client.open(model, { signal: leave.signal });
      for await (const _ of stream) leave.abort();
    },
    step: 'interrupted',
  },
  'a break out of the stream': {
    behaviours: [stallMidStream()],
    play: async ({ client, model }) => {
      for await (const _ of await client.open(model)) break;
    },
    step: 'interrupted',
  },
  'a stream that is never read': { play: ({ call }) => call().then(() => {}), step: 'interrupted' },
  'a stream that is never read, and that is closed later': {
    play: async ({ call }) => [await call()],
    afterwards: (_, result) => (result as Response[])[0]?.body?.cancel(),
    step: 'interrupted',
  },
  'a cancelled body': { play: async ({ call }) => (await call()).body?.cancel(), step: 'interrupted' },
  'a reset before the headers': {
    behaviours: [resetBeforeHeaders()],
    play: ({ call }) => call(),
    throws: true,
    step: 'error',
    run: 'error',
  },
  'a reset in mid-stream': {
    behaviours: [resetMidStream()],
    play: async ({ client, model }) => read(await client.open(model)),
    throws: true,
    step: 'error',
    run: 'error',
  },
  'a returned stream that is read to its end, long after': {
    behaviours: [slow(20)],
    play: ({ call }) => call(),
    afterwards: (_, result) => (result as Response).text(),
    step: 'completed',
  },
  'a returned stream that breaks': {
    behaviours: [resetMidStream()],
    play: ({ call }) => call(),
    afterwards: (_, result) => assert.rejects((result as Response).text()),
    step: 'error',
    run: 'error',
  },
  'a returned stream that is cancelled': {
    behaviours: [stallMidStream()],
    play: ({ call }) => call(),
    afterwards: (_, result) => (result as Response).body?.cancel(),
    step: 'interrupted',
    run: 'interrupted',
  },
  'a returned stream that is read and then left alone': {
    behaviours: [stallMidStream()],
    play: ({ call }) => call(),
    afterwards: async (_, result) => {
      const reader = (result as Response).body?.getReader();
      await reader?.read();
    },
    step: 'interrupted',
    run: 'interrupted',
  },
  'a client of the application that goes away': {
    behaviours: [stallMidStream()],
    play: ({ call }) => call(),
    afterwards: (_, result) => serveAndLeave(result as Response),
    step: 'interrupted',
    run: 'interrupted',
  },
  'a run that is over while its call is alive': {
    behaviours: [slow(10)],
    play: ({ call }) => {
      void call().then((response) => response.text());
    },
    step: 'completed',
  },
  'a run that finishes itself while its call is alive': {
    behaviours: [slow(10)],
    play: async ({ call }, run) => {
      run.finish('error');
      await (await call()).text();
    },
    step: 'completed',
    run: 'error',
  },
  'a run that is over while its call waits for the headers': {
    behaviours: [hang()],
    play: ({ call, model }) => {
      const leave = new AbortController();
      void call({ signal: leave.signal }).catch(() => {});
      void arrived(model).then(() => leave.abort());
    },
    step: 'interrupted',
  },
  'a shutdown in the middle': {
    behaviours: [stallMidStream(), ok()],
    play: async ({ call, provider, client, model }) => {
      const response = await call();
      await provider.shutdown();
      await response.body?.cancel();
      await client.generate(model);
    },
    step: 'interrupted',
    run: 'interrupted',
  },
  'flushes at every turn': {
    behaviours: [status(500, { retryAfterMillis: 1 }), slow(5)],
    play: async ({ client, model, provider }) => {
      const call = client.generate(model);
      for (let turn = 0; turn < 20; turn++) await provider.forceFlush().then(() => sleep(1));
      await call;
      await provider.forceFlush();
    },
    afterwards: ({ provider }) => provider.forceFlush(),
    step: 'completed',
  },
};

let server: Provider;
const unhandled: unknown[] = [];
const collect = (reason: unknown) => void unhandled.push(reason);
before(async () => {
  process.on('unhandledRejection', collect);
  server = await startProvider();
});
after(async () => {
  await server.close();
  process.off('unhandledRejection', collect);
});

/** When a request for the model has reached the provider. */
function arrived(model: string): Promise<void> {
  return until(() => server.requests.some((request) => request.model === model));
}

function scene(name: string, behaviours: Path['behaviours'] = [ok()]): Scene {
  const model = name.replaceAll(/\W+/g, '-');
  server.script(model, ...behaviours);
  const set = traced({
    limits: {
      completedHoldMillis: 20,
      retryHoldMillis: 60_000,
      idleMillis: SETTLE_MILLIS,
      pausedMillis: SETTLE_MILLIS,
    },
  });
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  const { make } = CLIENTS[0] as ClientMaker;
  return {
    ...set,
    model,
    client: make({ url: server.url, fetch: recordingFetch }),
    call: (init) => recordingFetch(`${server.url}/v1/chat/completions`, { method: 'POST', body, ...init }),
  };
}

/** Serves a Response over HTTP to a client that leaves after the first bytes. */
async function serveAndLeave(response: Response): Promise<void> {
  const http = createServer((_, reply) => {
    pipeline(Readable.fromWeb(response.body as ReadableStream), reply).catch(() => {});
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const leave = new AbortController();
  const reply = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, { signal: leave.signal });
  await reply.body?.getReader().read();
  leave.abort();
  await new Promise((resolve) => http.close(resolve));
}

describe('every run and step is exported once after', () => {
  for (const [name, path] of Object.entries(PATHS)) {
    for (const kind of ['implicit', 'explicit'] as const) {
      test(`${name}, in an ${kind} step`, async () => {
        const set = scene(`${name} ${kind}`, path.behaviours);
        const { recorder, spans, steps, runs, shutdown } = set;
        const running = recorder.run({ kind: 'chat_turn' }, (run) => {
          const play = async () => path.play(set, run);
          return kind === 'explicit' ? recorder.step({}, play) : play();
        });
        let result: unknown;
        if (path.throws) await assert.rejects(running);
        else result = await running;
        await path.afterwards?.(set, result);
        await until(() => runs().length > 0);
        const outcomes = spans().map(({ attributes }) => attributes['runtrace.status']);
        const step = (kind === 'explicit' && path.explicit) || path.step;
        assert.deepEqual(outcomes, [step, path.run ?? 'completed']);
        assert.equal(steps().length, 1);

        const exported = [...spans()];
        await shutdown();
        assert.deepEqual(spans(), exported);
      });
    }
  }
});

test("a run's span ends when its last step's span ends, if its function had returned before", async () => {
  const set = scene('over before its call', [slow(20)]);
  const read = await set.recorder.run({ kind: 'chat_turn' }, async () => {
    const response = await set.call();
    return { text: () => response.text() };
  });
  await read.text();
  await until(() => set.runs().length > 0);
  const [step, run] = set.spans().map(({ endTime }) => endTime[0] * 1000 + endTime[1] / 1e6);
  assert.equal(run, step);
});

test('nothing of all this became an unhandled rejection', async () => {
  await sleep(0);
  assert.deepEqual(unhandled, []);
});
