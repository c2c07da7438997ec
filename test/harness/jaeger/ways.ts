import assert from 'node:assert/strict';
import { context, type Tracer, trace } from '@opentelemetry/api';
import type { Recorder } from 'runtrace';
import { recordingFetch } from 'runtrace';
import {
  type Behaviour,
  endWithoutLastEvent,
  ok,
  type Provider,
  resetMidStream,
  slow,
  status,
} from '../../../examples/demo/provider.js';
import { CLIENTS, type Client, read } from '../../support/clients.js';

/** What an application is made of here. */
export interface Parts {
  recorder: Recorder;
  tracer: Tracer;
  provider: Provider;
}

interface Way {
  name: string;
  behaviours: [Behaviour, ...Behaviour[]];
  call(client: Client, model: string): Promise<unknown>;
}

const text = 'One two three four five six seven eight nine ten.';

/** What can become of a call. Each is done with every client. */
const WAYS: readonly Way[] = [
  {
    name: 'retried',
    behaviours: [status(429, { retryAfterMillis: 20 }), status(503, { retryAfterMillis: 20 }), ok({ text })],
    call: (client, model) => client.generate(model),
  },
  {
    name: 'streamed',
    behaviours: [status(429, { retryAfterMillis: 20 }), slow(2, { text, usage: { input: 12, output: 10 } })],
    call: async (client, model) => read(await client.open(model)),
  },
  {
    name: 'refused',
    behaviours: [status(400)],
    call: (client, model) => client.generate(model),
  },
  {
    name: 'reset',
    behaviours: [resetMidStream(3, { text })],
    call: async (client, model) => read(await client.open(model)),
  },
  {
    name: 'cut',
    behaviours: [endWithoutLastEvent({ text })],
    call: async (client, model) => read(await client.open(model)),
  },
  {
    name: 'stopped',
    behaviours: [slow(20, { text })],
    call: async (client, model) => {
      for await (const _ of await client.open(model)) break;
    },
  },
];

/** Every way with every client, each in a run of its own. */
export async function playWays({ recorder, provider }: Parts): Promise<void> {
  for (const maker of CLIENTS) {
    const client = maker.make({ url: provider.url, fetch: recordingFetch });
    await Promise.all(
      WAYS.map(({ name, behaviours, call }) => {
        const model = `model-${name}-${maker.name.replaceAll(/\W+/g, '-')}`;
        provider.script(model, ...behaviours);
        const conversationId = `${name} ${maker.name}`;
        return recorder
          .run({ kind: 'chat_turn', conversationId, userId: 'ada' }, () => call(client, model))
          .catch(() => {});
      }),
    );
  }
}

/** What stands around the calls: other spans, other runs, tools, an application's own retries. */
export async function playApplications({ recorder, tracer, provider }: Parts): Promise<void> {
  const client = (CLIENTS[0] as (typeof CLIENTS)[number]).make({ url: provider.url, fetch: recordingFetch });
  const ask = (model: string) => recorder.step({ model }, () => client.generate(model));

  await tracer.startActiveSpan('POST /chat', async (request) => {
    await recorder.run({ kind: 'chat_turn', agentName: 'travel', conversationId: 'nested' }, async () => {
      await ask('gpt-5');
      await recorder.tool({ name: 'weather', callId: 'call_1' }, async () => {
        tracer.startSpan('SELECT forecast').end();
        return { city: 'Lisbon', celsius: 24 };
      });
      await recorder.run({ kind: 'title', parentConversationId: 'nested' }, () => ask('gpt-5-mini'));
      await ask('gpt-5');
    });
    request.end();
  });

  await tracer.startActiveSpan('POST /chat', async (request) => {
    await recorder.run({ kind: 'chat_turn', conversationId: 'joined', trace: 'join' }, () => ask('gpt-5'));
    request.end();
  });

  provider.script('gpt-5-broken', status(400));
  await recorder.run({ kind: 'chat_turn', conversationId: 'fallback' }, () =>
    recorder.reuseStep(() => ask('gpt-5-broken').catch(() => ask('gpt-5'))),
  );

  const socket = recorder.startRun({ kind: 'chat_turn', conversationId: 'socket' });
  const step = socket.startStep({ model: 'gpt-5' });
  step.finish('error', { error: new Error('first') });
  step.finish('completed');
  socket.finish('completed');

  await recorder
    .run({ kind: 'chat_turn', conversationId: 'no-model' }, async () => {
      assert.ok(trace.getSpan(context.active()));
      throw new Error('before any call');
    })
    .catch(() => {});
}

/** A run that is as long as it gets. */
export async function playLongRun(
  recorder: Recorder,
  { steps, attempts }: { steps: number; attempts: number },
): Promise<void> {
  await recorder.run({ kind: 'batch', conversationId: 'long' }, async () => {
    for (let i = 0; i < steps; i++) {
      await recorder.step({ provider: 'openai', model: 'gpt-5' }, (step) => {
        for (let left = attempts; left > 0; left--) {
          const now = Date.now();
          const failed = left > 1;
          step.attempts.record({
            number: step.attempts.next(),
            status: failed ? 'failed' : 'completed',
            startedAt: now,
            endedAt: now,
            method: 'POST',
            url: 'https://api.openai.com/v1/chat/completions',
            statusCode: failed ? 429 : 200,
            ...(failed && { errorType: 'rate_limit_exceeded' }),
          });
        }
        step.finish('completed', { response: { model: 'gpt-5' }, usage: { inputTokens: 7, outputTokens: 3 } });
      });
    }
  });
}
