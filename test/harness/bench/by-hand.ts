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

function now(): HrTime {
  const millis = performance.timeOrigin + performance.now();
  const seconds = Math.trunc(millis / 1000);
  return [seconds, Math.round((millis - seconds * 1000) * 1e6)];
}

/** A span as an application would make it by hand on the bare SDK, with the very attributes and events of `example`. */
export function handMade(example: ReadableSpan): <T>(tracer: Tracer, inside: () => Promise<T> | T) => Promise<T> {
  const { name, kind, events } = example;
  const entries = Object.entries(example.attributes);
  const first: Attributes = Object.fromEntries(entries.filter(([key]) => AT_START.has(key)));
  const rest: Attributes = Object.fromEntries(entries.filter(([key]) => !AT_START.has(key)));
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

/** Begins a span where `use` calls `inside`, as an application would for its request, and ends it when `use` has ended. */
export async function inHandMadeSpan<T>(
  tracer: Tracer,
  use: (inside: <U>(call: () => U) => U) => Promise<T>,
): Promise<T> {
  let span: Span | undefined;
  const inside = <U>(call: () => U): U => {
    span = tracer.startSpan(`chat ${MODEL}`, START);
    return context.with(trace.setSpan(context.active(), span), call);
  };
  const result = await use(inside);
  span?.end();
  return result;
}

/** A call in the span that an application would write: the conventions' attributes, read from the client's answer. */
export async function handMadeCall(tracer: Tracer, client: OpenAI): Promise<void> {
  const span = tracer.startSpan(`chat ${MODEL}`, START);
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
  const span = tracer.startSpan(`chat ${MODEL}`, START);
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

function messageJson(role: string, content: string): string {
  return JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
}
