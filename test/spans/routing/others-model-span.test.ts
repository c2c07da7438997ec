import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { type Attributes, context, INVALID_SPAN_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { type Recorder, recordingFetch, reportStatus, type Status } from 'runtrace';
import {
  garbage,
  ok,
  type Provider,
  resetMidStream,
  slow,
  startProvider,
  status,
} from '../../../examples/demo/provider.js';
import { attemptsOf, only, type ReadableSpan, type Traced, type TracedOptions, traced } from '../../support/traced.js';
import { until } from '../../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-5' };

interface Scene extends Traced {
  /** A span of another instrumentation, active in `fn`, which ends it. */
  span<T>(attributes: Attributes, fn: (span: Span) => Promise<T>): Promise<T>;
  /** A call of the chat API, by no client. */
  call(prompt?: string): Promise<Response>;
}

async function scene(
  play: (scene: Scene, recorder: Recorder) => Promise<unknown>,
  { shutDown = false, ...options }: TracedOptions & { shutDown?: boolean } = {},
): Promise<Scene> {
  const set = traced({ limits: { idleMillis: 50 }, ...options });
  const tracer = set.provider.getTracer('another instrumentation');
  const here: Scene = {
    ...set,
    span: (attributes, fn) => tracer.startActiveSpan('theirs', { attributes }, fn),
    call: (prompt = 'Hello') =>
      recordingFetch(`${provider.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: prompt }] }),
      }),
  };
  provider.script('gpt-5', ok());
  await set.recorder.run({ kind: 'chat_turn' }, () => play(here, set.recorder));
  if (!shutDown) await until(() => set.runs().length === 1);
  await set.shutdown();
  return here;
}

/** The client's own retry loop, in short. */
async function retrying(call: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const response = await call();
    await response.text();
    if (response.ok) return response;
  }
}

const theirs = ({ spans }: Traced): ReadableSpan => only(spans().filter(({ name }) => name === 'theirs'));
const codes = (span: ReadableSpan) => attemptsOf(span).map((attempt) => attempt['http.response.status_code']);
const numbers = (span: ReadableSpan) => attemptsOf(span).map((attempt) => attempt['runtrace.attempt.number']);
const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'] as Status | undefined;

describe('a call in the model span of another instrumentation', () => {
  for (const attributes of [
    CHAT,
    { 'gen_ai.operation.name': 'text_completion' },
    { 'gen_ai.operation.name': 'generate_content' },
    { 'gen_ai.operation.name': 'embeddings' },
    { 'openinference.span.kind': 'LLM' },
  ] as Attributes[]) {
    test(`of ${JSON.stringify(attributes)} has its attempts there, and no second span`, async () => {
      const seen = await scene(async ({ span, call }) => {
        provider.script('gpt-5', status(429, { retryAfterMillis: 1 }), ok());
        await span(attributes, async (active) => {
          await retrying(() => call());
          active.end();
        });
      });
      assert.deepEqual(seen.steps(), []);
      assert.deepEqual(codes(theirs(seen)), [429, 200]);
      assert.deepEqual(numbers(theirs(seen)), [1, 2]);
      assert.deepEqual(
        attemptsOf(theirs(seen)).map((attempt) => attempt['http.request.resend_count']),
        [undefined, 1],
      );
    });
  }

  for (const depth of [1, 2]) {
    test(`has its attempts there also if each is below ${depth} other span(s) of its own`, async () => {
      const seen = await scene(async ({ span, call }) => {
        provider.script('gpt-5', status(429, { retryAfterMillis: 1 }), ok());
        const below = (levels: number): Promise<Response> =>
          levels === 0
            ? call()
            : span({ 'http.request.method': 'POST' }, (fetchSpan) => below(levels - 1).finally(() => fetchSpan.end()));
        await span(CHAT, async (active) => {
          await retrying(() => below(depth));
          active.end();
        });
      });
      assert.deepEqual(seen.steps(), []);
      const model = only(seen.spans().filter(({ attributes }) => 'gen_ai.request.model' in attributes));
      assert.deepEqual(codes(model), [429, 200]);
      assert.equal(only(seen.runs()).attributes['runtrace.run.step_count'], 1);
    });
  }

  for (const between of [{ 'gen_ai.operation.name': 'execute_tool' }, { 'openinference.span.kind': 'TOOL' }]) {
    test(`is a step of its own below ${JSON.stringify(between)} in that span`, async () => {
      const seen = await scene(({ span, call }) =>
        span(CHAT, async (active) => {
          await span(between, async (tool) => {
            await (await call()).text();
            tool.end();
          });
          active.end();
        }),
      );
      assert.equal(seen.steps().length, 1);
    });
  }

  test('counts in the run all the same', async () => {
    const seen = await scene(async ({ span, call }) => {
      provider.script('gpt-5', status(500), ok({ usage: { input: 31, output: 17 } }));
      await span(CHAT, async (active) => {
        await retrying(() => call());
        active.end();
      });
    });
    const { attributes } = only(seen.runs());
    assert.equal(attributes['runtrace.run.step_count'], 1);
    assert.equal(attributes['runtrace.run.has_error'], false);
    assert.equal(attributes['runtrace.run.attempt_count'], 2);
    assert.equal(attributes['runtrace.run.failed_attempt_count'], 1);
    assert.equal(attributes['runtrace.run.input_tokens'], 31);
    assert.equal(attributes['runtrace.run.endpoint'], 'POST /v1/chat/completions');
  });

  test('counts once, however many attempts it has, and beside the run’s own steps', async () => {
    const seen = await scene(async ({ span, call }) => {
      provider.script('gpt-5', status(429), ok(), ok());
      await span(CHAT, async (active) => {
        await retrying(() => call());
        active.end();
      });
      await (await call('Another')).text();
    });
    const { attributes } = only(seen.runs());
    assert.equal(seen.steps().length, 1);
    assert.equal(attributes['runtrace.run.step_count'], 2);
    assert.equal(attributes['runtrace.run.attempt_count'], 3);
  });

  test('makes has_error true where its last attempt failed, also in mid-stream or with an answer that makes no sense', async () => {
    for (const behaviour of [status(500), resetMidStream(2), garbage()]) {
      const seen = await scene(async ({ span, call }) => {
        provider.script('gpt-5', behaviour);
        await span(CHAT, async (active) => {
          await (await call()).text().catch(() => {});
          active.end();
        });
      });
      const { attributes } = only(seen.runs());
      assert.deepEqual(
        [attributes['runtrace.status'], attributes['runtrace.run.step_count'], attributes['runtrace.run.has_error']],
        ['completed', 1, true],
      );
    }
  });

  test('that its caller stops is no error in the sums', async () => {
    const seen = await scene(async ({ span, call }) => {
      provider.script('gpt-5', slow(20));
      await span(CHAT, async (active) => {
        await (await call()).body?.cancel();
        active.end();
      });
    });
    const { attributes } = only(seen.runs());
    assert.deepEqual([attributes['runtrace.run.step_count'], attributes['runtrace.run.has_error']], [1, false]);
  });

  test('that begins after the wall clock was set has them inside of it', async () => {
    const { now } = Date;
    const set = await scene(async ({ span, call }) => {
      Date.now = () => now() + 60_000;
      try {
        await span(CHAT, async (span) => {
          await retrying(call);
          span.end();
        });
      } finally {
        Date.now = now;
      }
    });
    const { startTime, events } = theirs(set);
    assert.deepEqual(only(events).time, startTime);
  });

  test('leaves everything else about that span to its owner', async () => {
    const seen = await scene(({ span, call }) =>
      span(CHAT, async (active) => {
        await (await call()).text();
        active.end();
      }),
    );
    const { 'runtrace.run.id': _stamp, ...attributes } = theirs(seen).attributes;
    assert.deepEqual(attributes, CHAT);
    assert.equal(theirs(seen).status.code, 0);
  });

  test('is judged by the status-priority rule where the application reports a status', async () => {
    const seen = await scene(({ span, call }) =>
      span(CHAT, async (active) => {
        await (await call()).text();
        reportStatus(active, 'completed');
        reportStatus(active, 'error', { error: new TypeError('too late') });
        active.setStatus({ code: 2, message: 'their own opinion' });
        active.end();
      }),
    );
    assert.equal(theirs(seen).status.code, 1);
    assert.equal(statusOf(theirs(seen)), 'completed');
    assert.equal('error.type' in theirs(seen).attributes, false);
  });

  test('says no more than capture allows', async () => {
    for (const capture of ['metadata', 'content'] as const) {
      const seen = await scene(
        ({ span, call }) =>
          span(CHAT, async (active) => {
            await (await call('a secret wish')).text();
            active.end();
          }),
        { capture },
      );
      assert.equal(JSON.stringify(theirs(seen).events).includes('a secret wish'), capture === 'content');
    }
  });
});

describe('a span of another instrumentation that is no model call', () => {
  for (const attributes of [
    { 'gen_ai.operation.name': 'invoke_agent' },
    { 'gen_ai.operation.name': 'execute_tool' },
    { 'gen_ai.operation.name': 'invoke_workflow' },
    { 'openinference.span.kind': 'AGENT' },
    { 'openinference.span.kind': 'TOOL' },
    { 'openinference.span.kind': 'CHAIN' },
    { 'http.request.method': 'POST' },
    {},
  ] as Attributes[]) {
    test(`has none of the attempts: ${JSON.stringify(attributes)}`, async () => {
      const seen = await scene(({ span, call }) =>
        span(attributes, async (active) => {
          await (await call()).text();
          active.end();
        }),
      );
      assert.deepEqual(attemptsOf(theirs(seen)), []);
      const step = only(seen.steps());
      assert.deepEqual(codes(step), [200]);
      assert.equal(step.parentSpanContext?.spanId, theirs(seen).spanContext().spanId);
    });
  }
});

describe('an explicit step', () => {
  test('inside of the model span of another instrumentation has the attempts', async () => {
    const seen = await scene(({ span, call }, { step }) =>
      span(CHAT, async (active) => {
        await step({ model: 'gpt-5' }, async () => (await call()).text());
        active.end();
      }),
    );
    assert.deepEqual(codes(only(seen.steps())), [200]);
    assert.deepEqual(attemptsOf(theirs(seen)), []);
  });

  test('around the model span of another instrumentation has them, too', async () => {
    const seen = await scene(({ span, call }, { step }) =>
      step({ model: 'gpt-5' }, () =>
        span(CHAT, async (active) => {
          await (await call()).text();
          active.end();
        }),
      ),
    );
    assert.deepEqual(codes(only(seen.steps())), [200]);
    assert.deepEqual(attemptsOf(theirs(seen)), []);
  });
});

describe('a model span that its owner ends too early', () => {
  test('is followed by a step of ours with the attempt, its child', async () => {
    const seen = await scene(({ span, call }) =>
      span(CHAT, async (active) => {
        const response = await call();
        active.end();
        await response.text();
      }),
    );
    const step = only(seen.steps());
    assert.deepEqual([codes(step), statusOf(step)], [[200], 'completed']);
    assert.equal(step.attributes['gen_ai.usage.output_tokens'], 8);
    assert.equal(step.parentSpanContext?.spanId, theirs(seen).spanContext().spanId);
    assert.deepEqual(attemptsOf(theirs(seen)), []);
    assert.equal(only(seen.runs()).attributes['runtrace.run.attempt_count'], 1);
  });

  test('leaves its retries to that step, with the attempts that it has had itself', async () => {
    const seen = await scene(({ span, call }) => {
      provider.script('gpt-5', status(429), status(503), ok());
      return span(CHAT, async (active) => {
        await (await call()).text();
        const second = await call();
        active.end();
        await second.text();
        await (await call()).text();
      });
    });
    const step = only(seen.steps());
    assert.deepEqual([codes(step), statusOf(step)], [[429, 503, 200], 'completed']);
    assert.deepEqual(numbers(step), [1, 2, 3]);
    assert.deepEqual(codes(theirs(seen)), [429]);
    assert.equal(only(seen.runs()).attributes['runtrace.run.attempt_count'], 3);
    assert.equal(only(seen.runs()).attributes['runtrace.run.step_count'], 1);
  });

  test('and whose stream is not read to the end leaves an interrupted step', async () => {
    const seen = await scene(({ span, call }) => {
      provider.script('gpt-5', slow(20));
      return span(CHAT, async (active) => {
        const response = await call();
        active.end();
        await response.body?.cancel();
      });
    });
    assert.equal(statusOf(only(seen.steps())), 'interrupted');
  });

  test('before its first attempt begins is as good as none', async () => {
    const seen = await scene(({ span, call }) =>
      span(CHAT, async (active) => {
        active.end();
        await (await call()).text();
      }),
    );
    assert.deepEqual(codes(only(seen.steps())), [200]);
  });
});

describe('a model span that is open when the run settles', () => {
  test('leaves its attempts to a step of ours', async () => {
    let left: Span | undefined;
    const seen = await scene(async ({ span, call }) => {
      provider.script('gpt-5', status(429), ok());
      await span(CHAT, async (active) => {
        left = active;
        await retrying(() => call());
      });
    });
    assert.deepEqual([codes(only(seen.steps())), statusOf(only(seen.steps()))], [[429, 200], 'completed']);
    assert.equal(only(seen.runs()).attributes['runtrace.run.attempt_count'], 2);
    left?.end();
  });

  test('is not the parent of that step, because it may never be exported: the run is', async () => {
    const seen = await scene(({ span, call }) => span(CHAT, async () => (await call()).text()));
    assert.equal(only(seen.steps()).parentSpanContext?.spanId, only(seen.runs()).spanContext().spanId);
  });

  test('does so as well when the provider is shut down first', async () => {
    const play = ({ span, call }: Scene) => span(CHAT, async () => (await call()).text());
    const seen = await scene(play, { shutDown: true });
    assert.deepEqual([codes(only(seen.steps())), statusOf(only(seen.steps()))], [[200], 'completed']);
  });

  test('and whose answer was not read leaves an unread attempt', async () => {
    const seen = await scene(async ({ span, call }) => {
      provider.script('gpt-5', slow(5));
      await span(CHAT, () => call());
    });
    assert.deepEqual(
      [
        attemptsOf(only(seen.steps())).map((attempt) => attempt['runtrace.attempt.status']),
        statusOf(only(seen.steps())),
      ],
      [['unread'], 'interrupted'],
    );
  });
});

test('a call in a model span that is not sampled is not recorded either, as the sampler has it', async () => {
  const seen = await scene(async ({ call }) => {
    const { traceId } = trace.getActiveSpan()?.spanContext() ?? INVALID_SPAN_CONTEXT;
    const notSampled = trace.wrapSpanContext({ traceId, spanId: 'b'.repeat(16), traceFlags: 0 });
    const response = await context.with(trace.setSpan(context.active(), notSampled), () => call());
    assert.equal(response.status, 200);
    await response.text();
  });
  assert.deepEqual(seen.steps(), []);
});

describe('@anthropic-ai/sdk with its own tracing', () => {
  const asks = { model: 'claude-sonnet-5', max_tokens: 50, messages: [{ role: 'user' as const, content: 'Hello' }] };
  const client = ({ provider: tracerProvider }: Traced) =>
    new Anthropic({
      apiKey: 'none',
      baseURL: provider.url,
      fetch: recordingFetch,
      logLevel: 'off',
      openTelemetry: { tracerProvider, traces: true },
    });
  const clients = ({ spans }: Traced) =>
    only(spans().filter(({ instrumentationScope }) => instrumentationScope.name.startsWith('com.anthropic')));

  test('has the attempts on its own span, retried or not', async () => {
    const seen = await scene((here) => {
      provider.script('claude-sonnet-5', status(529, { retryAfterMillis: 1 }), ok());
      return client(here).messages.create(asks);
    });
    assert.deepEqual([codes(clients(seen)), seen.steps()], [[529, 200], []]);
    assert.equal(clients(seen).attributes['http.request.resend_count'], 1);
  });

  test('has them there also when it streams', async () => {
    const seen = await scene((here) => {
      provider.script('claude-sonnet-5', status(529, { retryAfterMillis: 1 }), slow(1));
      return client(here).messages.stream(asks).finalText();
    });
    assert.deepEqual([codes(clients(seen)), seen.steps()], [[529, 200], []]);
  });

  test('that fails twice and is caught counts as a step with an error in the run’s sums', async () => {
    const seen = await scene(async (here) => {
      provider.script('claude-sonnet-5', status(529, { retryAfterMillis: 1 }), status(529));
      const { messages } = client(here).withOptions({ maxRetries: 1 });
      await assert.rejects(messages.create(asks));
    });
    const { attributes } = only(seen.runs());
    assert.deepEqual(seen.steps(), []);
    assert.deepEqual(
      ['status', 'run.step_count', 'run.attempt_count', 'run.failed_attempt_count', 'run.has_error'].map(
        (name) => attributes[`runtrace.${name}`],
      ),
      ['completed', 1, 2, 2, true],
    );
  });

  test('ends its span before it stops a stream that is left: a step of ours has the attempt', async () => {
    const seen = await scene(async (here) => {
      provider.script('claude-sonnet-5', slow(5));
      for await (const _event of await client(here).messages.create({ ...asks, stream: true })) break;
    });
    assert.deepEqual([attemptsOf(clients(seen)), statusOf(only(seen.steps()))], [[], 'interrupted']);
  });
});
