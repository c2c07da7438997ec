import {
  type Attributes,
  context,
  type HrTime,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type OpenAI from 'openai';

const MODEL = 'gpt-5';
const MESSAGES = [{ role: 'user' as const, content: 'What is the weather like?' }];
const START = {
  kind: SpanKind.CLIENT,
  attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': MODEL },
};

const AT_START = new Set([
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'gen_ai.request.model',
  'runtrace.step.number',
]);

export function now(): HrTime {
  const millis = performance.timeOrigin + performance.now();
  const seconds = Math.trunc(millis / 1000);
  return [seconds, Math.round((millis - seconds * 1000) * 1e6)];
}

/** The attributes that a span begins with, and those that it gets at its end. */
export function attributesOf({ attributes }: ReadableSpan): { first: Attributes; rest: Attributes } {
  const entries = Object.entries(attributes);
  return {
    first: Object.fromEntries(entries.filter(([key]) => AT_START.has(key))),
    rest: Object.fromEntries(entries.filter(([key]) => !AT_START.has(key))),
  };
}

/** A span as an application would make it by hand on the bare SDK, with the very attributes and events of `example`. */
export function handMade(example: ReadableSpan): <T>(tracer: Tracer, inside: () => Promise<T> | T) => Promise<T> {
  const { name, kind, events } = example;
  const { first, rest } = attributesOf(example);
  return async (tracer, inside) => {
    const span = tracer.startSpan(name, { kind, startTime: now(), attributes: { ...first } });
    try {
      return await context.with(trace.setSpan(context.active(), span), inside);
    } finally {
      for (const event of events) span.addEvent(event.name, { ...event.attributes }, now());
      span.setAttributes({ ...rest });
      span.setStatus({ code: SpanStatusCode.OK });
      span.end(now());
    }
  };
}

/** The span of a request, with what an application knows when it sends it. */
export const spanByHand = (tracer: Tracer): Span => tracer.startSpan(`chat ${MODEL}`, START);

/** The work inside of a span, as an application's calls are inside of its run: each promise then carries a context. */
export function inContext(tracer: Tracer, work: (count: number) => Promise<void>): (count: number) => Promise<void> {
  const inside = trace.setSpan(context.active(), spanByHand(tracer));
  return (count) => context.with(inside, () => work(count));
}

type Fetch = typeof globalThis.fetch;

/** Begins a span for the request that `use` sends, sends it inside, and ends the span when `use` has ended. */
export async function inSpan<T>(
  begin: (...request: Parameters<Fetch>) => Span,
  use: (fetch: Fetch) => Promise<T>,
): Promise<T> {
  let span: Span | undefined;
  const result = await use((...request) => {
    span = begin(...request);
    return context.with(trace.setSpan(context.active(), span), () => fetch(...request));
  });
  span?.end();
  return result;
}

/** A call in the span that an application would write: the conventions' attributes, read from the client's answer. */
export async function handMadeCall(tracer: Tracer, client: OpenAI): Promise<void> {
  const span = spanByHand(tracer);
  const answer = await context.with(trace.setSpan(context.active(), span), () =>
    client.chat.completions.create({ model: MODEL, messages: MESSAGES }),
  );
  span.setAttributes({
    'gen_ai.response.id': answer.id,
    'gen_ai.response.model': answer.model,
    'gen_ai.response.finish_reasons': answer.choices.map((choice) => choice.finish_reason),
    'gen_ai.usage.input_tokens': answer.usage?.prompt_tokens ?? 0,
    'gen_ai.usage.output_tokens': answer.usage?.completion_tokens ?? 0,
  });
  span.end();
}

/** The same for a stream. It is handed to its reader, so a generator has to look at the chunks that pass. */
export async function handMadeStream(tracer: Tracer, client: OpenAI, content: boolean): Promise<void> {
  const span = spanByHand(tracer);
  const inside = trace.setSpan(context.active(), span);
  await context.with(inside, async () => {
    const stream = await client.chat.completions.create({ model: MODEL, messages: MESSAGES, stream: true });
    async function* watched(): AsyncGenerator<OpenAI.ChatCompletionChunk> {
      let last: OpenAI.ChatCompletionChunk | undefined;
      let text = '';
      const reasons: string[] = [];
      try {
        for await (const chunk of stream) {
          last = chunk;
          const [choice] = chunk.choices;
          if (content) text += choice?.delta.content ?? '';
          if (choice?.finish_reason) reasons.push(choice.finish_reason);
          yield chunk;
        }
      } finally {
        span.setAttributes({
          'gen_ai.response.id': last?.id,
          'gen_ai.response.model': last?.model,
          'gen_ai.response.finish_reasons': reasons,
          'gen_ai.usage.input_tokens': last?.usage?.prompt_tokens,
          'gen_ai.usage.output_tokens': last?.usage?.completion_tokens,
        });
        if (content) {
          span.setAttribute('gen_ai.input.messages', messageJson('user', MESSAGES[0]?.content ?? ''));
          span.setAttribute('gen_ai.output.messages', messageJson('assistant', text));
        }
        span.end();
      }
    }
    for await (const _chunk of watched());
  });
}

export function messageJson(role: string, content: string): string {
  return JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
}
