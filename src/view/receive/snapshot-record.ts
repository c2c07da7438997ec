import type { SpanSnapshot } from '../../spans/progress/listener.js';
import { boundedAttributes, idOf, LONGEST_NAME, MOST_EVENTS, NoSpanError, type SpanRecord } from './span-record.js';

/**
 * A snapshot of the live channel as the viewer stores it. Any program on this machine can open the channel, so nothing is taken on trust.
 *
 * @throws NoSpanError if it is no snapshot.
 */
export function recordOfSnapshot(snapshot: SpanSnapshot & { readonly sequence?: number }): SpanRecord {
  const { name, startMillis, endMillis, events, statusCode, statusMessage, parentSpanId } = snapshot;
  if (typeof name !== 'string' || !Array.isArray(events)) throw new NoSpanError('not a snapshot');
  return {
    traceId: idOf(snapshot.traceId, 32, 'trace'),
    spanId: idOf(snapshot.spanId, 16, 'span'),
    ...(parentSpanId && { parentSpanId: idOf(parentSpanId, 16, 'parent') }),
    name: name.slice(0, LONGEST_NAME),
    ...(typeof snapshot.service === 'string' && { service: snapshot.service.slice(0, LONGEST_NAME) }),
    startMillis: timeOf(startMillis),
    ...(endMillis !== undefined && { endMillis: timeOf(endMillis) }),
    ...boundedAttributes(snapshot.attributes),
    events: events.slice(0, MOST_EVENTS).map((event) => ({
      name: String(event?.name).slice(0, LONGEST_NAME),
      atMillis: timeOf(event?.atMillis),
      ...boundedAttributes(event?.attributes),
    })),
    sequence: typeof snapshot.sequence === 'number' ? snapshot.sequence : 0,
    ...(typeof statusCode === 'number' && { statusCode }),
    ...(typeof statusMessage === 'string' && { statusMessage }),
  };
}

function timeOf(millis: unknown): number {
  if (typeof millis !== 'number' || !Number.isFinite(millis)) throw new NoSpanError('a time is no number');
  return millis;
}
