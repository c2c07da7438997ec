/**
 * An application that is started with `--import runtrace/register` and knows nothing of it: no client of it has a `fetch` option.
 * Plays the scenarios that it is told, and tells what was exported of each.
 */
import { context, DiagLogLevel, diag, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { createRecorder, recordingFetch, run, StatusPrioritySpanProcessor, startRun, step } from 'runtrace';
import { ok, type Provider, slow, startProvider, status } from '../../examples/demo/provider.js';

/** A span as JSON. */
export interface Told {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string | undefined;
  attributes: Record<string, unknown>;
  /** The attributes of its attempts. */
  attempts: Record<string, unknown>[];
}

export interface Outcome {
  spans: Told[];
  /** What the application got. */
  answers: unknown[];
}

const tracer = trace.getTracer('the application');

const SCENARIOS: Record<string, (provider: Provider) => Promise<unknown[]>> = {
  'a call outside of any run': async (provider) => [await chat(provider)],

  'a call in a run': (provider) => run({ kind: 'chat_turn' }, async () => [await chat(provider)]),

  'the option and register together': (provider) =>
    run({ kind: 'chat_turn' }, async () => [await chat(provider, { fetch: recordingFetch })]),

  'a tool’s call in an explicit step': (provider) =>
    run({ kind: 'chat_turn' }, () =>
      step({ model: 'gpt-5' }, async () => {
        const answer = await chat(provider);
        const response = await fetch(`${provider.url}/weather`, { method: 'POST', body: '{"city":"Lisbon"}' });
        return [answer, response.status];
      }),
    ),

  'a step’s own fetch': (provider) =>
    run({ kind: 'chat_turn' }, () =>
      step({ model: 'gpt-5' }, async (step) => [(await step.fetch(`${provider.url}/weather`)).status]),
    ),

  'a call in a model span': (provider) =>
    tracer.startActiveSpan(
      'chat of another instrumentation',
      { attributes: { 'gen_ai.operation.name': 'chat' } },
      async (span) => {
        provider.script('gpt-5', status(429, { retryAfterMillis: 1 }), ok());
        const answer = await chat(provider);
        span.end();
        return [answer];
      },
    ),

  'a call in a model span that ends too early': (provider) =>
    tracer.startActiveSpan(
      'chat of another instrumentation',
      { attributes: { 'gen_ai.operation.name': 'chat' } },
      async (span) => {
        provider.script('gpt-5', async (exchange) => {
          span.end();
          await ok()(exchange);
        });
        return [await chat(provider)];
      },
    ),

  'a call in an agent’s span': (provider) =>
    tracer.startActiveSpan('an agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }, async (span) => {
      const answer = await chat(provider);
      span.end();
      return [answer];
    }),

  'a call that is retried': async (provider) => {
    provider.script('gpt-5', status(429, { retryAfterMillis: 1 }), status(503, { retryAfterMillis: 1 }), ok());
    return [await chat(provider)];
  },

  'a call that is retried, with a span around each fetch': (provider) =>
    run({ kind: 'chat_turn' }, () => chatWithSpans(provider)),

  'a call outside of any run that is retried, with a span around each fetch': (provider) =>
    tracer.startActiveSpan('GET /chat', async (span) => {
      const answers = await chatWithSpans(provider);
      span.end();
      return answers;
    }),

  'two identical calls at once, retried': async (provider) => {
    const busy = status(429, { retryAfterMillis: 1 });
    provider.script('gpt-5', busy, busy, ok());
    return Promise.all([chat(provider), chat(provider)]);
  },

  'a call that fails': async (provider) => {
    provider.script('gpt-5', status(400));
    return [await chat(provider).catch((error: Error) => error.constructor.name)];
  },

  'a stream that is left': async (provider) => {
    provider.script('gpt-5', slow(5));
    const stream = await client(provider).chat.completions.create({ model: 'gpt-5', messages: [], stream: true });
    for await (const _chunk of stream) break;
    return [];
  },

  'a call in a run that isn’t recorded': async (provider) => {
    const off = createRecorder({ capture: 'off' });
    return off.run({ kind: 'chat_turn' }, async () => [await chat(provider)]);
  },

  'a step’s own fetch, without a context manager': async (provider) => {
    context.disable();
    const started = startRun({ kind: 'chat_turn' });
    const one = started.startStep({ model: 'gpt-5' });
    const response = await one.fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-5', messages: [] }),
    });
    const { object } = (await response.json()) as { object: string };
    one.finish('completed');
    started.finish('completed');
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    return [object];
  },

  'calls that are not read': (provider) =>
    run({ kind: 'chat_turn' }, async () => {
      const body = JSON.stringify({ model: 'm', prompt: 'Hi' });
      await fetch(`${provider.url}/predict`, { method: 'POST', body });
      // Ollama's port makes it a known provider; nothing has to listen there.
      await fetch('http://127.0.0.1:11434/api/unread', { method: 'POST', body }).catch(() => {});
      return [];
    }),

  'another request': async (provider) => [(await fetch(`${provider.url}/weather`)).status],

  'what the application can see of fetch': async () => {
    const { value, ...descriptor } = Object.getOwnPropertyDescriptor(globalThis, 'fetch') as PropertyDescriptor;
    const errors = [];
    for (const args of [[], ['/relative'], ['http://127.0.0.1', { method: 'GET', body: '' }]] as [string][]) {
      errors.push(await fetch(...args).catch((error: Error) => `${error.constructor.name}: ${error.message}`));
    }
    return [
      descriptor,
      value === fetch,
      fetch.name,
      fetch.length,
      Object.getOwnPropertyNames(fetch),
      Object.keys(globalThis),
      errors,
    ];
  },
};

function client(provider: Provider, options: { fetch?: typeof globalThis.fetch } = {}): OpenAI {
  return new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, logLevel: 'off', ...options });
}

/** A call that is retried twice; each `fetch` runs in a span of its own, as with Next.js. */
async function chatWithSpans(provider: Provider): Promise<unknown[]> {
  provider.script('gpt-5', status(429, { retryAfterMillis: 1 }), status(503, { retryAfterMillis: 1 }), ok());
  const inSpan: typeof globalThis.fetch = (...args) =>
    tracer.startActiveSpan('fetch POST', (span) => fetch(...args).finally(() => span.end()));
  return [await chat(provider, { fetch: inSpan })];
}

async function chat(provider: Provider, options?: { fetch: typeof globalThis.fetch }): Promise<unknown> {
  const messages = [{ role: 'user' as const, content: 'How are you?' }];
  const answer = await client(provider, options).chat.completions.create({ model: 'gpt-5', messages });
  return answer.object;
}

function told(span: ReadableSpan): Told {
  return {
    name: span.name,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    attempts: span.events
      .filter(({ name }) => name === 'runtrace.attempt')
      .map(({ attributes }) => ({ ...attributes })),
  };
}

process.once('message', async (names: string[]) => {
  const warnings: string[] = [];
  const note = (message: string, ...rest: unknown[]) => void warnings.push([message, ...rest.map(String)].join(' '));
  const ignore = () => {};
  diag.setLogger({ error: note, warn: note, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)],
  });
  trace.setGlobalTracerProvider(tracerProvider);
  const outcomes: Record<string, Outcome> = {};
  for (const name of names) {
    const provider = await startProvider();
    const answers = await context.with(ROOT_CONTEXT, () => (SCENARIOS[name] as (typeof SCENARIOS)[string])(provider));
    await tracerProvider.forceFlush();
    outcomes[name] = { answers, spans: exporter.getFinishedSpans().map(told) };
    exporter.reset();
    await provider.close();
  }
  process.send?.({ outcomes, warnings }, () => process.disconnect());
});
