import { type Attributes, context, type HrTime, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

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
