import { createHash } from 'node:crypto';

type HandMadeValue = string | number | string[];

/** A span of a second, made by hand. */
export interface HandMadeSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  /** After the start of the others. */
  startMillis?: number;
  attributes?: Record<string, HandMadeValue>;
  events?: { name: string; attributes: Record<string, HandMadeValue> }[];
  status?: { code: number; message?: string };
}

const START_MILLIS = Date.now();

/** An OTLP JSON document of these spans. */
export function documentOf(service: string, spans: HandMadeSpan[], resource: Record<string, string> = {}): string {
  const nano = (millis: number) => `${START_MILLIS + millis}000000`;
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyValues({ 'service.name': service, ...resource }) },
        scopeSpans: [
          {
            scope: { name: 'by hand' },
            spans: spans.map(({ startMillis = 0, attributes = {}, events = [], ...span }) => ({
              ...span,
              name: 'chat gpt-5',
              kind: 3,
              startTimeUnixNano: nano(startMillis),
              endTimeUnixNano: nano(startMillis + 1000),
              attributes: keyValues(attributes),
              events: events.map((event, i) => ({
                name: event.name,
                timeUnixNano: nano(startMillis + i),
                attributes: keyValues(event.attributes),
              })),
            })),
          },
        ],
      },
    ],
  });
}

function keyValues(attributes: Record<string, HandMadeValue>): { key: string; value: unknown }[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: HandMadeValue): unknown {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { intValue: String(value) };
  return { arrayValue: { values: value.map(anyValue) } };
}

/** The same one every time, and spread like random ones: a sampler hashes it. */
export function traceIdOf(number: number): string {
  return createHash('sha256').update(`trace ${number}`).digest('hex').slice(0, 32);
}

export function spanIdOf(number: number): string {
  return number.toString(16).padStart(16, 'f');
}
