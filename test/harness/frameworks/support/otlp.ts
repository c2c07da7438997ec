/** What another process has written as OTLP JSON, as the spans of this process are read. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Traced } from '../../../support/traced.js';

/** What was recorded of a case. */
export type Recorded = Pick<Traced, 'spans' | 'steps' | 'runs'>;

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly spanId: string;
  readonly name: string;
  readonly attributes: readonly KeyValue[];
  readonly events?: readonly { readonly name: string; readonly attributes: readonly KeyValue[] }[];
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** The spans of a file, one request a line, as far as the cases look at them. A line that is not whole is left out. */
export function spansOf(lines: string): ReadableSpan[] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as OtlpRequest)
    .flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ scope, spans }) =>
      spans.map(({ spanId, name, attributes, events = [] }) => ({
        name,
        spanContext: () => ({ spanId }),
        instrumentationScope: scope,
        attributes: valuesOf(attributes),
        events: events.map((event) => ({ name: event.name, attributes: valuesOf(event.attributes) })),
      })),
    ) as unknown as ReadableSpan[];
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

export function recordedOf(spans: ReadableSpan[]): Recorded {
  const number = ({ attributes }: ReadableSpan) => Number(attributes['runtrace.step.number']);
  return {
    spans: () => spans,
    steps: () =>
      spans.filter(({ attributes }) => 'runtrace.step.id' in attributes).sort((a, b) => number(a) - number(b)),
    runs: () => spans.filter(({ attributes }) => 'runtrace.run.kind' in attributes),
  };
}
