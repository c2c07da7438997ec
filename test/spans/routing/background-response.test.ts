import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import OpenAI from 'openai';
import { recordingFetch, wrapFetch } from 'runtrace';
import { attemptsOf, only, type ReadableSpan, type Traced, traced } from '../../support/traced.js';

const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const facts = (span: ReadableSpan) => ({
  status: statusOf(span),
  codes: span.attributes['runtrace.step.attempt_codes'],
  polls: span.attributes['runtrace.step.poll_count'],
  response: span.attributes['runtrace.response.status'],
  tokens: span.attributes['gen_ai.usage.output_tokens'],
});

type Poll = string | number;

let ids = 0;

/** A client of a provider whose response has these statuses, one a request; a number is an HTTP status. */
function background(...polls: Poll[]) {
  const id = `resp_${++ids}`;
  const methods: string[] = [];
  const fetch = wrapFetch(async (input, init) => {
    init?.signal?.throwIfAborted();
    methods.push(`${init?.method} ${new URL(String(input)).pathname}`);
    const status = String(input).endsWith('/cancel') ? 'cancelled' : (polls.shift() ?? 'completed');
    if (typeof status === 'number') return Response.json({ error: { code: `http_${status}` } }, { status });
    return Response.json({
      id,
      object: 'response',
      model: 'gpt-5',
      status,
      output: [],
      ...(status === 'failed' && { error: { code: 'upstream_failed', message: 'no' } }),
      ...(status === 'completed' && { usage: { input_tokens: 5, output_tokens: 7 } }),
    });
  });
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1/v1', fetch, maxRetries: 0 });
  return {
    id,
    client,
    methods,
    create: () => client.responses.create({ model: 'gpt-5', input: 'Hi', background: true }),
    async poll() {
      for (;;) {
        const { status } = await client.responses.retrieve(id);
        if (status !== 'queued' && status !== 'in_progress') return;
      }
    },
  };
}

type Asked = ReturnType<typeof background>;

/** Plays it in a run: with the create and the polls in one explicit step, or in none. */
async function played(asked: Asked, play: (asked: Asked) => Promise<unknown>, explicit: boolean): Promise<Traced> {
  const set = traced({ limits: { idleMillis: 20 } });
  await set.recorder.run({ kind: 'chat_turn' }, () =>
    explicit ? set.recorder.step({}, () => play(asked)) : play(asked),
  );
  await set.provider.forceFlush();
  return set;
}

const toItsEnd = async ({ create, poll }: Asked) => {
  await create();
  await poll();
};

for (const explicit of [false, true]) {
  describe(`a response in the background, in an ${explicit ? 'explicit' : 'implicit'} step,`, () => {
    test('completes its step when it is completed; polls before that are counted, and no attempts', async () => {
      const set = await played(background('queued', 'queued', 'in_progress', 'completed'), toItsEnd, explicit);
      const step = only(set.steps());
      assert.deepEqual(facts(step), {
        status: 'completed',
        codes: '200 200',
        polls: 2,
        response: undefined,
        tokens: 7,
      });
      assert.deepEqual(
        attemptsOf(step).map((attempt) => [attempt['runtrace.attempt.number'], attempt['http.request.resend_count']]),
        [
          [1, undefined],
          [2, undefined],
        ],
      );
      assert.equal(only(set.runs()).attributes['runtrace.run.output_tokens'], 7);
    });

    test('fails its step when it fails', async () => {
      const set = await played(background('queued', 'in_progress', 'failed'), toItsEnd, explicit);
      const step = only(set.steps());
      assert.deepEqual([statusOf(step), step.attributes['error.type']], ['error', 'upstream_failed']);
      assert.equal(step.attributes['runtrace.step.poll_count'], 1);
    });

    test('is completed as incomplete, too', async () => {
      const set = await played(background('queued', 'incomplete'), toItsEnd, explicit);
      assert.equal(statusOf(only(set.steps())), 'completed');
    });

    test('interrupts its step when it is cancelled', async () => {
      const cancel = async ({ create, client, id }: Asked) => {
        await create();
        await client.responses.retrieve(id);
        await client.responses.cancel(id);
      };
      const set = await played(background('queued', 'in_progress'), cancel, explicit);
      assert.equal(statusOf(only(set.steps())), 'interrupted');
    });

    test('leaves its step completed with its last status if the run ends first', async () => {
      const leave = async ({ create, client, id }: Asked) => {
        await create();
        await client.responses.retrieve(id);
      };
      const set = await played(background('queued', 'in_progress'), leave, explicit);
      const { status, response, polls } = facts(only(set.steps()));
      assert.deepEqual([status, response, polls], ['completed', 'in_progress', 1]);
      assert.equal(set.runs().length, 1);
    });

    test('a poll that fails is an attempt, and does not end the response', async () => {
      const retried = async ({ create, client, id, poll }: Asked) => {
        await create();
        await client.responses.retrieve(id).catch(() => {});
        await poll();
      };
      const set = await played(background('queued', 503, 'in_progress', 'completed'), retried, explicit);
      const step = only(set.steps());
      assert.deepEqual(facts(step), {
        status: 'completed',
        codes: '200 503 200',
        polls: 1,
        response: undefined,
        tokens: 7,
      });
      assert.equal(step.attributes['runtrace.step.failed_attempt_count'], 1);
    });
  });
}

describe('a response in the background', () => {
  test('that is made in an explicit step and polled after it keeps the step open', async () => {
    const { recorder, steps } = traced({ limits: { completedHoldMillis: 1 } });
    const asked = background('queued', 'in_progress', 'failed');
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await recorder.step({}, asked.create);
      await sleep(60);
      assert.deepEqual(steps(), []);
      await asked.poll();
    });
    assert.equal(statusOf(only(steps())), 'error');
  });

  test('an explicit finish comes before it', async () => {
    const { recorder, steps } = traced();
    const asked = background('queued');
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async (step) => {
        await asked.create();
        step.finish('interrupted');
      }),
    );
    assert.equal(statusOf(only(steps())), 'interrupted');
  });

  test('two of them in one run are polled apart', async () => {
    const set = traced();
    const [one, two] = [background('queued', 'in_progress', 'completed'), background('queued', 'queued', 'failed')];
    await set.recorder.run({ kind: 'chat_turn' }, () => Promise.all([toItsEnd(one), toItsEnd(two)]));
    assert.deepEqual(set.steps().map(statusOf).sort(), ['completed', 'error']);
    assert.deepEqual(
      set.steps().map((step) => step.attributes['runtrace.step.poll_count']),
      [1, 1],
    );
  });

  test('outside of its run, and for another id, a GET passes through', async () => {
    const set = traced();
    const asked = background('queued', 'completed', 'completed');
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      await asked.create();
      await asked.client.responses.retrieve('resp_other');
    });
    await asked.client.responses.retrieve(asked.id);
    await set.provider.forceFlush();
    assert.equal(attemptsOf(only(set.steps())).length, 1);
    assert.equal(typeof recordingFetch, 'function');
  });

  test('for any answers to its polls, the step is as the rules say', async () => {
    const poll = fc.constantFrom<Poll>('queued', 'in_progress', 500, 404);
    const last = fc.constantFrom<Poll | undefined>('completed', 'incomplete', 'failed', undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(poll, { maxLength: 6 }), last, fc.boolean(), async (before, end, explicit) => {
        const polls = [...before, ...(end === undefined ? [] : [end])];
        const all = async ({ create, client, id }: Asked) => {
          await create();
          for (const _ of polls) await client.responses.retrieve(id).catch(() => {});
        };
        const set = await played(background('queued', ...polls), all, explicit);
        const seen = before.filter((answer) => typeof answer === 'string');
        const step = only(set.steps());
        const failures = before.filter((answer) => typeof answer === 'number');
        assert.deepEqual(facts(step), {
          status: end === 'failed' ? 'error' : 'completed',
          codes: ['200', ...failures, ...(end === undefined ? [] : ['200'])].join(' '),
          polls: seen.length > 0 ? seen.length : undefined,
          response: end === undefined ? (seen.at(-1) ?? 'queued') : undefined,
          tokens: end === 'completed' ? 7 : undefined,
        });
      }),
      { numRuns: 40 },
    );
  });
});

/** A server with xAI's deferred completions: each poll gets the next of these statuses; it answers 202 with no body. */
async function deferring(t: TestContext, ...polls: number[]) {
  const paths: string[] = [];
  const server = createServer((request, reply) => {
    paths.push(`${request.method} ${request.url}`);
    request.resume();
    const status = request.method === 'POST' ? 'deferred' : (polls.shift() ?? 200);
    if (status === 202) reply.writeHead(202).end();
    else if (status === 'deferred') reply.end(JSON.stringify({ request_id: 'f15c114e-f47d' }));
    else if (status !== 200) reply.writeHead(status).end(JSON.stringify({ code: 'gone', error: 'No such completion' }));
    else {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }];
      const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
      reply.end(JSON.stringify({ id: 'c1', object: 'chat.completion', model: 'grok-4', choices, usage }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close().closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const messages = [{ role: 'user', content: 'Hi' }];
  return {
    paths,
    async create() {
      const body = JSON.stringify({ model: 'grok-4', messages, deferred: true });
      const response = await recordingFetch(`${origin}/v1/chat/completions`, { method: 'POST', body });
      return ((await response.json()) as { request_id: string }).request_id;
    },
    /** Polls until there is an answer, at most so many times; the body of a 202 is read or not. */
    async poll(id: string, { reads = true, times = Number.POSITIVE_INFINITY } = {}) {
      for (let i = 0; i < times; i++) {
        const response = await recordingFetch(`${origin}/v1/chat/deferred-completion/${id}`);
        if (reads || response.status !== 202) await response.text();
        if (response.status === 200) return;
      }
    },
  };
}

for (const explicit of [false, true]) {
  describe(`a completion that xAI deferred, in an ${explicit ? 'explicit' : 'implicit'} step,`, () => {
    const playIn = async (play: () => Promise<unknown>) => {
      const set = traced({ limits: { idleMillis: 20 } });
      await set.recorder.run({ kind: 'chat_turn' }, () => (explicit ? set.recorder.step({}, play) : play()));
      await set.provider.forceFlush();
      return only(set.steps());
    };

    for (const reads of [true, false]) {
      test(`is polled until it is there; a 202 is no attempt, ${reads ? 'read' : 'unread'}`, async (t) => {
        const xai = await deferring(t, 202, 202, 200);
        const step = await playIn(async () => xai.poll(await xai.create(), { reads }));
        assert.deepEqual(facts(step), {
          status: 'completed',
          codes: '200 200',
          polls: 2,
          response: undefined,
          tokens: 7,
        });
        assert.equal(step.attributes['gen_ai.response.id'], 'c1');
        assert.equal(xai.paths.at(-1), 'GET /v1/chat/deferred-completion/f15c114e-f47d');
      });
    }

    test('is completed, and queued, if the run ends first', async (t) => {
      const xai = await deferring(t, 202, 202);
      const step = await playIn(async () => xai.poll(await xai.create(), { times: 2 }));
      assert.deepEqual(facts(step), {
        status: 'completed',
        codes: '200',
        polls: 2,
        response: 'queued',
        tokens: undefined,
      });
    });

    test('a poll that fails is an attempt', async (t) => {
      const xai = await deferring(t, 202, 503, 200);
      const step = await playIn(async () => xai.poll(await xai.create()));
      assert.deepEqual(facts(step), {
        status: 'completed',
        codes: '200 503 200',
        polls: 1,
        response: undefined,
        tokens: 7,
      });
    });
  });
}

/** How the provider's stream goes on: an event more, or how the connection ends. */
type Part = 'queued' | 'in_progress' | 'delta' | 'completed' | 'failed' | 'waits' | 'breaks' | 'ends';

/** A client of a provider that streams: each request gets the next of `streams`, a poll without `stream=true` the next of `polls`. */
function streamed(streams: Part[][], polls: string[] = []) {
  const id = `resp_${++ids}`;
  const paths: string[] = [];
  const response = (status: string) => ({
    id,
    object: 'response',
    model: 'gpt-5',
    status,
    background: true,
    output: [],
    ...(status === 'failed' && { error: { code: 'upstream_failed', message: 'no' } }),
    ...(status === 'completed' && { usage: { input_tokens: 5, output_tokens: 7 } }),
  });
  const event = (part: Part) =>
    part === 'delta'
      ? { type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: 'm', delta: 'Hi' }
      : { type: `response.${part}`, response: response(part) };
  const server = createServer((request, reply) => {
    paths.push(`${request.method} ${request.url}`);
    if (request.method === 'GET' && !request.url?.includes('stream=true')) {
      reply
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(response(polls.shift() ?? 'completed')));
      return;
    }
    reply.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of streams.shift() ?? ['completed', 'ends']) {
      if (part === 'waits') return;
      if (part === 'ends') reply.end();
      else if (part === 'breaks') setTimeout(() => reply.destroy(), 20);
      else
        reply.write(`event: ${event(part).type}\ndata: ${JSON.stringify({ ...event(part), sequence_number: 1 })}\n\n`);
    }
  });
  return {
    id,
    paths,
    async play(use: (client: OpenAI) => Promise<unknown>, explicit = false): Promise<Traced> {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
      const client = new OpenAI({ apiKey: 'none', baseURL, fetch: recordingFetch, maxRetries: 0 });
      const set = traced({ limits: { idleMillis: 20 } });
      try {
        await set.recorder.run({ kind: 'chat_turn' }, () =>
          explicit ? set.recorder.step({}, () => use(client)) : use(client),
        );
        await set.provider.forceFlush();
      } finally {
        server.closeAllConnections();
        server.close();
      }
      return set;
    },
  };
}

/** Reads a stream until it has seen `count` events, then leaves it. */
async function leaveAfter(stream: AsyncIterable<unknown>, count: number): Promise<void> {
  let seen = 0;
  for await (const _ of stream) if (++seen === count) break;
}

const opened = (client: OpenAI) =>
  client.responses.create({ model: 'gpt-5', input: 'Hi', background: true, stream: true });

for (const explicit of [false, true]) {
  describe(`a streamed response in the background, in an ${explicit ? 'explicit' : 'implicit'} step,`, () => {
    test('whose stream is left, is continued by polls of its id', async () => {
      const asked = streamed([['queued', 'in_progress', 'delta', 'waits']], ['in_progress', 'completed']);
      const set = await asked.play(async (client) => {
        await leaveAfter(await opened(client), 3);
        await client.responses.retrieve(asked.id);
        await client.responses.retrieve(asked.id);
      }, explicit);
      const step = only(set.steps());
      assert.deepEqual(facts(step), {
        status: 'completed',
        codes: '200 200',
        polls: 1,
        response: undefined,
        tokens: 7,
      });
      assert.deepEqual(
        attemptsOf(step).map((attempt) => attempt['runtrace.attempt.status']),
        ['aborted', 'completed'],
      );
    });

    test('is continued by the rest of its stream, also if that is left again', async () => {
      const asked = streamed([
        ['queued', 'delta', 'waits'],
        ['delta', 'waits'],
        ['delta', 'completed', 'ends'],
      ]);
      const set = await asked.play(async (client) => {
        await leaveAfter(await opened(client), 2);
        await leaveAfter(await client.responses.retrieve(asked.id, { stream: true, starting_after: 2 }), 1);
        await leaveAfter(await client.responses.retrieve(asked.id, { stream: true, starting_after: 3 }), 9);
      }, explicit);
      assert.equal(asked.paths.length, 3);
      assert.deepEqual(facts(only(set.steps())), {
        status: 'completed',
        codes: '200 200',
        polls: 1,
        response: undefined,
        tokens: 7,
      });
    });

    for (const end of ['breaks', 'ends'] as const) {
      test(`whose stream ${end} too early, ends as the response ends`, async () => {
        const asked = streamed([['in_progress', 'delta', end]], ['queued', 'failed']);
        const set = await asked.play(async (client) => {
          await leaveAfter(await opened(client), 9).catch(() => {});
          await client.responses.retrieve(asked.id);
          await client.responses.retrieve(asked.id);
        }, explicit);
        const step = only(set.steps());
        assert.deepEqual([statusOf(step), step.attributes['error.type']], ['error', 'upstream_failed']);
        assert.equal(step.attributes['runtrace.step.attempt_codes'], '200 200');
      });
    }

    test('that is polled and then left in progress, is completed with its last status', async () => {
      const asked = streamed([['in_progress', 'delta', 'waits']], ['in_progress']);
      const set = await asked.play(async (client) => {
        await leaveAfter(await opened(client), 1);
        await client.responses.retrieve(asked.id);
      }, explicit);
      const { status, response, polls } = facts(only(set.steps()));
      assert.deepEqual([status, response, polls], ['completed', 'in_progress', 1]);
    });

    test('whose stream is left and which is not asked for again, is interrupted', async () => {
      const asked = streamed([['in_progress', 'delta', 'waits']]);
      const set = await asked.play(async (client) => leaveAfter(await opened(client), 1), explicit);
      assert.equal(statusOf(only(set.steps())), 'interrupted');
      assert.equal(set.runs().length, 1);
    });

    test('whose poll is stopped by the caller and then made again, goes on', async () => {
      const asked = streamed([['in_progress', 'delta', 'waits'], ['waits']], ['completed']);
      const set = await asked.play(async (client) => {
        await leaveAfter(await opened(client), 1);
        const poll = { stream: true, starting_after: 1 } as const;
        await assert.rejects(client.responses.retrieve(asked.id, poll, { timeout: 50 }));
        await client.responses.retrieve(asked.id);
      }, explicit);
      assert.equal(statusOf(only(set.steps())), 'completed');
    });
  });
}

test('a stream without background that is left is interrupted at once; a GET of its id is no poll', async () => {
  const asked = streamed([['in_progress', 'delta', 'waits']], ['completed']);
  const set = await asked.play(async (client) => {
    await leaveAfter(await client.responses.create({ model: 'gpt-5', input: 'Hi', stream: true }), 1);
    await client.responses.retrieve(asked.id);
  });
  const { status, codes, polls } = facts(only(set.steps()));
  assert.deepEqual([status, codes, polls], ['interrupted', '200', undefined]);
});
