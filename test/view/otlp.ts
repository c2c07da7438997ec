/** OTLP requests as any exporter writes them, in the JSON mapping. */
import { randomBytes } from 'node:crypto';

export interface SpanOptions {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  /** Milliseconds since the epoch. */
  readonly start?: number;
  readonly end?: number;
  readonly attributes?: Record<string, string | number>;
  readonly events?: readonly { name: string; at: number; attributes: Record<string, string | number> }[];
  readonly status?: object;
}

export const newTraceId = () => randomBytes(16).toString('hex');
export const newSpanId = () => randomBytes(8).toString('hex');

const nanos = (millis: number) => `${Math.round(millis)}000000`;
const keyValues = (attributes: Record<string, string | number>) =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));

export function span({ attributes = {}, events = [], ...options }: SpanOptions = {}) {
  const { start = 1_750_000_000_000, end = start + 1000, status = {} } = options;
  return {
    traceId: options.traceId ?? newTraceId(),
    spanId: options.spanId ?? newSpanId(),
    ...(options.parentSpanId && { parentSpanId: options.parentSpanId }),
    name: options.name ?? 'a span',
    kind: 3,
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: nanos(end),
    attributes: keyValues(attributes),
    events: events.map(({ name, at, attributes }) => ({
      name,
      timeUnixNano: nanos(at),
      attributes: keyValues(attributes),
    })),
    status,
  };
}

/** The span of a run that completed. */
export function runSpan({ attributes, ...options }: SpanOptions = {}) {
  const own = { 'runtrace.run.kind': 'chat_turn', 'runtrace.run.id': 'id', 'runtrace.status': 'completed' };
  return span({ name: 'invoke_workflow chat_turn', attributes: { ...own, ...attributes }, ...options });
}

export function request(...spans: object[]) {
  const resource = { attributes: keyValues({ 'service.name': 'shop' }) };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'runtrace' }, spans }] }] };
}
