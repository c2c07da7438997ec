import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { context, INVALID_TRACEID, ProxyTracerProvider, trace } from '@opentelemetry/api';
import { AlwaysOffSampler, ParentBasedSampler, type Sampler, SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { createRecorder, type Recorder, type RunIdentity, recordingFetch, wrapFetch } from 'runtrace';
import { diagnosed } from '../support/diagnosed.js';
import { attemptsOf, only, traced } from '../support/traced.js';

/** What a server gets to see of a call. */
interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

let url: string;
const seen: Seen[] = [];
const server = createServer(async (request, response) => {
  const { method, url, headers } = request;
  seen.push({ method, url, headers, body: String(await buffer(request)) });
  response.writeHead(url?.includes('429') ? 429 : 200, { 'content-type': 'application/json', 'x-request-id': 'r1' });
  response.end('{"choices":[{"message":{"content":"Hello"}}]}');
});
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const BODY = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello?' }] });

/** Calls of every kind, and what came of them, on either side. */
async function calls(fetch: typeof globalThis.fetch): Promise<unknown[]> {
  const from = seen.length;
  const results: unknown[] = [];
  const requests: [RequestInfo | URL, RequestInit?][] = [
    [url, { method: 'POST', body: BODY, headers: { authorization: 'Bearer 1', 'X-Custom': 'a' } }],
    [new URL(url), { method: 'post', body: new TextEncoder().encode(BODY), headers: [['x-custom', 'b']] }],
    [new Request(url, { method: 'POST', body: BODY, headers: { 'x-custom': 'c' } })],
    [new Request(url, { method: 'POST', body: BODY }), { headers: new Headers({ 'x-custom': 'd' }) }],
    [url, { method: 'POST', body: BODY, headers: new Map([['x-custom', 'read once']]).entries() as never }],
    [url, { method: 'POST', body: new Blob([BODY]).stream(), duplex: 'half' } as RequestInit],
    [url, { method: 'POST', body: new URLSearchParams({ model: 'gpt-5' }) }],
    [`${url}?status=429`, { method: 'POST', body: BODY }],
    [url],
    ['http://127.0.0.1:1/v1/chat/completions', { method: 'POST', body: BODY }],
    ['/not/absolute', { method: 'POST', body: BODY }],
    [url, { method: 'POST', body: BODY, signal: AbortSignal.abort('the reason') }],
  ];
  for (const request of requests) {
    try {
      const response = await fetch(...request);
      const { status, statusText, ok, redirected, type, url } = response;
      const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'date'));
      results.push([{ status, statusText, ok, redirected, type, url, headers }, await response.json()]);
    } catch (error) {
      results.push(error instanceof Error ? [error.constructor.name, error.message, String(error.cause)] : error);
    }
  }
  return [...results, ...seen.slice(from)];
}

/** What all application code may do in a run, at any level of capture. */
async function work({ run, step, reuseStep, tool, startRun, startStep }: Recorder): Promise<unknown[]> {
  const results: unknown[] = [];
  await run({ kind: 'chat_turn', conversationId: 'secret', userId: 'opted-out' }, async (run) => {
    results.push(await calls(recordingFetch));
    results.push(await step({ model: 'gpt-5' }, (step) => calls(step.fetch)));
    results.push(await run.step({}, () => calls(recordingFetch)));
    results.push(await reuseStep(() => calls(recordingFetch)));
    results.push(await tool({ name: 'search' }, () => calls(recordingFetch)));
    const started = startStep({ model: 'gpt-5' });
    results.push(await calls(started.fetch));
    started.attempts.record({ number: started.attempts.next(), status: 'failed', startedAt: 1, endedAt: 2 });
    assert.deepEqual([started.attempts.snapshot(), started.attempts.count, started.number], [[], 0, 0]);
    started.finish('completed', { usage: { inputTokens: 1 } });
    run.resumeAfterStep(3);
    run.finish('error', { error: new Error() });
    assert.match(run.id, /^[0-9a-f-]{36}$/);
    assert.match(run.traceId, /^[0-9a-f]{32}$/);
  });
  const other = startRun({ kind: 'chat_turn', conversationId: 'secret', userId: 'opted-out' });
  results.push(await other.step({}, (step) => calls(step.fetch)));
  results.push(await calls(other.startStep().fetch));
  other.finish('completed');
  const thrown = new Error('of the application');
  await assert.rejects(
    run({ kind: 'chat_turn', conversationId: 'secret', userId: 'opted-out' }, () => Promise.reject(thrown)),
    thrown,
  );
  return results;
}

const dropSteps: Sampler = {
  shouldSample: (_context, _traceId, name) => ({
    decision: name.startsWith('chat') ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
  }),
  toString: () => 'dropSteps',
};

// The first, because what is reported is counted in the process and said the 1st, the 10th, the 100th time.
test('a capture function that throws or says something else is reported', async (t) => {
  const messages = diagnosed(t);
  const { run } = createRecorder({
    capture: () => {
      throw new Error('no database');
    },
  });
  await run({ kind: 'chat_turn' }, () => {});
  await createRecorder({ capture: (() => 'some') as never }).run({ kind: 'chat_turn' }, () => {});
  assert.ok(messages.some((message) => /capture function/.test(message)));
});

describe('nothing is recorded, and every call is made as without us', () => {
  const off = ({ conversationId, userId }: RunIdentity) =>
    conversationId === 'secret' || userId === 'opted-out' ? 'off' : 'content';

  const WAYS: Record<string, () => { recorder: Recorder; spans(): unknown[] }> = {
    "with capture: 'off'": () => traced({ capture: 'off' }),
    'with a capture function that says so for this conversation': () =>
      traced({ capture: ({ conversationId }) => (conversationId === 'secret' ? 'off' : 'content') }),
    'with a capture function that says so for this user': () =>
      traced({ capture: ({ userId }) => (userId === 'opted-out' ? 'off' : 'content') }),
    'with a capture function that throws': () =>
      traced({
        capture: () => {
          throw new Error('no database');
        },
      }),
    'with a capture function that says something else': () => traced({ capture: (() => 'some') as never }),
    'with a capture function that is asynchronous': () => traced({ capture: (async () => 'content') as never }),
    'with a provider that does not sample': () => traced({ sampler: new AlwaysOffSampler() }),
    'with a provider that is none': () => ({
      recorder: createRecorder({ tracerProvider: new ProxyTracerProvider() }),
      spans: () => [],
    }),
  };

  for (const [way, setUp] of Object.entries(WAYS)) {
    test(way, async () => {
      const plain = await calls(globalThis.fetch);
      const { recorder, spans } = setUp();
      for (const result of await work(recorder)) assert.deepEqual(result, plain);
      assert.deepEqual(spans(), []);
    });
  }

  test('with no run', async () => {
    const { recorder, spans } = traced({ capture: 'content' });
    const { step, reuseStep, tool, startStep } = recorder;
    const plain = await calls(globalThis.fetch);
    for (const result of [
      await calls(recordingFetch),
      await calls(wrapFetch(globalThis.fetch)),
      await step({}, (step) => calls(step.fetch)),
      await step({}, () => calls(recordingFetch)),
      await reuseStep(() => calls(recordingFetch)),
      await tool({ name: 'search' }, () => calls(recordingFetch)),
      await calls(startStep().fetch),
    ]) {
      assert.deepEqual(result, plain);
    }
    assert.deepEqual(spans(), []);
  });

  test('and also where everything is recorded, the call is the same', async () => {
    const plain = await calls(globalThis.fetch);
    for (const capture of ['metadata', 'content'] as const) {
      const { run, step, reuseStep } = traced({ capture }).recorder;
      const results = await run({ kind: 'chat_turn' }, async (run) => [
        await calls(recordingFetch),
        await step({}, (step) => calls(step.fetch)),
        await reuseStep(() => calls(recordingFetch)),
        await calls(run.startStep().fetch),
        await calls(wrapFetch(recordingFetch)),
      ]);
      for (const result of results) assert.deepEqual(result, plain);
    }
  });

  test('and also where a mock answers at once, or with any thenable', async () => {
    const { recorder, steps } = traced();
    const answer = () => new Response('{"choices":[]}');
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
    const thenable = () => ({ then: (resolve: (response: Response) => void) => resolve(answer()) });
    for (const mock of [answer, thenable]) {
      const fetch = wrapFetch(mock as never);
      await recorder.run({ kind: 'chat_turn' }, () =>
        recorder.step({}, async () => assert.equal(await (await fetch(url)).text(), '{"choices":[]}')),
      );
    }
    for (const step of steps()) assert.deepEqual(step.attributes['runtrace.step.attempt_codes'], '200');
    assert.equal(steps().length, 2);
  });

  test('the conversation next to it is recorded', async () => {
    const { recorder, runs, steps } = traced({ capture: off });
    await Promise.all(
      ['secret', 'open'].map((conversationId) =>
        recorder.run({ kind: 'chat_turn', conversationId }, () => recorder.step({}, () => calls(recordingFetch))),
      ),
    );
    assert.equal(only(runs()).attributes['gen_ai.conversation.id'], 'open');
    assert.equal(only(steps()).attributes['gen_ai.conversation.id'], 'open');
  });
});

describe('the capture function', () => {
  test('is asked once a run, for who it is for', async () => {
    const asked: RunIdentity[] = [];
    const { recorder } = traced({
      capture: (identity) => {
        asked.push({ ...identity });
        return 'content';
      },
    });
    await recorder.run({ kind: 'chat_turn', conversationId: 'c', userId: 'u', agentName: 'a' }, async (run) => {
      await recorder.step({ conversationId: 'other' }, () => calls(recordingFetch));
      await recorder.reuseStep(() => calls(recordingFetch));
      assert.deepEqual(asked, [{ id: run.id, kind: 'chat_turn', conversationId: 'c', userId: 'u', agentName: 'a' }]);
      await recorder.run({ kind: 'inner' }, () => {});
    });
    assert.deepEqual(
      asked.map(({ kind }) => kind),
      ['chat_turn', 'inner'],
    );
  });

  test('cannot change who the run is for', async () => {
    const { recorder, runs } = traced({
      capture: (identity) => {
        identity.conversationId = 'changed';
        delete identity.userId;
        return 'metadata';
      },
    });
    await recorder.run({ kind: 'chat_turn', conversationId: 'c', userId: 'u' }, () => {});
    const { attributes } = only(runs());
    assert.deepEqual([attributes['gen_ai.conversation.id'], attributes['user.id']], ['c', 'u']);
  });
});

describe('a run that is not recorded inside one that is', () => {
  test('hides it: what is inside is in neither', async () => {
    const { recorder, runs, steps } = traced({ capture: ({ kind }) => (kind === 'off' ? 'off' : 'content') });
    const { run, step, reuseStep, startRun } = recorder;
    await run({ kind: 'chat_turn' }, () =>
      reuseStep(() =>
        step({}, async () => {
          await run({ kind: 'off' }, async (hidden) => {
            await calls(recordingFetch);
            await step({}, (step) => calls(step.fetch));
            await hidden.step({}, () => calls(recordingFetch));
            await reuseStep(() => calls(recordingFetch));
          });
          const started = startRun({ kind: 'off' });
          await started.step({}, (step) => calls(step.fetch));
          await started.step({}, () => calls(recordingFetch));
          await calls(started.startStep().fetch);
          await recordingFetch(url, { method: 'POST', body: BODY }).then((response) => response.text());
        }),
      ),
    );
    assert.equal(only(runs()).attributes['runtrace.run.attempt_count'], 1);
    assert.equal(attemptsOf(only(steps())).length, 1);
  });

  test('may hold one that is', async () => {
    const { recorder, runs, steps } = traced({ capture: ({ kind }) => (kind === 'off' ? 'off' : 'content') });
    const { run, step } = recorder;
    await run({ kind: 'off' }, () => run({ kind: 'chat_turn' }, () => step({}, () => calls(recordingFetch))));
    assert.equal(only(runs()).attributes['runtrace.run.kind'], 'chat_turn');
    assert.ok(steps().length > 0);
  });
});

describe('a run that is not sampled', () => {
  test('is active, so what others start inside of it is not sampled either', async () => {
    const set = traced({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) });
    await set.recorder.run({ kind: 'chat_turn' }, async (run) => {
      const span = trace.getActiveSpan();
      assert.equal(span?.isRecording(), false);
      assert.equal(span.spanContext().traceId, run.traceId);
      assert.notEqual(run.traceId, INVALID_TRACEID);
      set.provider.getTracer('other').startSpan('http').end();
    });
    assert.deepEqual(set.spans(), []);
  });

  test('leaves no trace of the context behind', async () => {
    const { recorder } = traced({ sampler: new AlwaysOffSampler() });
    const before = context.active();
    await recorder.run({ kind: 'chat_turn' }, () => {});
    assert.equal(context.active(), before);
  });

  test('but its steps, where only they are not sampled: nothing of them is kept', async () => {
    const { recorder, runs, steps } = traced({ sampler: dropSteps });
    const { run, step, reuseStep } = recorder;
    await run({ kind: 'chat_turn' }, async (run) => {
      await calls(recordingFetch);
      await step({}, (step) => calls(step.fetch));
      await step({}, () => calls(recordingFetch));
      await reuseStep(() => calls(recordingFetch));
      await calls(run.startStep().fetch);
    });
    assert.deepEqual(steps(), []);
    assert.equal(only(runs()).attributes['runtrace.run.attempt_count'], 0);
  });
});
