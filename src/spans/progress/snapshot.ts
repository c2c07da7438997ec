import type { Attributes, HrTime, Span } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import * as names from '../../otel/names.js';
import { unwrapped } from '../../otel/unwrap-span.js';
import { keepOf } from '../attempts/attempt.js';
import { attemptAttributes } from '../attempts/attempt-event.js';
import type { AttemptProgress } from '../attempts/http-exchange.js';
import type { Proposal } from '../outcome/proposals.js';
import { outcomeFailure } from '../outcome/span-status.js';
import type { SnapshotEvent, SpanSnapshot } from './listener.js';

const SERVICE_NAME = 'service.name';
/** The bodies of a snapshot have at most so many characters. */
const MOST_BODY_CHARACTERS = 1024 * 1024;

/** What a span that is in progress began with. */
export interface Beginning {
  readonly span: Span;
  /** The span that it is below, if it is one of runtrace. */
  readonly parent?: Span | undefined;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What it began with, and what is known of its end so far. */
  readonly attributes: Attributes;
}

/** The fields of the SDK's span, 2.x and 3.x. Another vendor's span need not have them. */
interface SdkSpan {
  readonly name?: string;
  readonly ended?: boolean;
  readonly attributes?: Attributes;
  readonly events?: readonly { name: string; time: HrTime; attributes?: Attributes }[];
  readonly status?: { code: number; message?: string };
  readonly endTime?: HrTime;
  readonly parentSpanContext?: { spanId: string };
  readonly resource?: { readonly attributes?: Attributes };
}

/** The attributes that tell of the proposal in force. */
export function proposedAttributes(outcome: Proposal | undefined, capturing: CaptureSettings): Attributes {
  const failure = outcome && outcomeFailure(outcome, capturing);
  return { [names.STATUS]: outcome?.status ?? 'in_progress', ...(failure && { [names.ERROR_TYPE]: failure.type }) };
}

/**
 * The snapshot of a run, step or tool call. A span that has ended is shown as it was written; where another vendor's span does not tell that,
 * with what is known here. `endedAt`: in milliseconds since the epoch, where it is known here.
 */
export function snapshotOf(
  beginning: Beginning,
  events: readonly SnapshotEvent[],
  hasEnded: boolean,
  endedAt?: number,
): SpanSnapshot {
  const { span, parent, startedAt, attributes } = beginning;
  const { traceId, spanId } = span.spanContext();
  const sdk = unwrapped(span) as SdkSpan;
  const parentSpanId = sdk.parentSpanContext?.spanId ?? parent?.spanContext().spanId;
  const service = sdk.resource?.attributes?.[SERVICE_NAME];
  const ids = {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    ...(typeof service === 'string' && { service }),
    startMillis: startedAt,
  };
  if (hasEnded && sdk.ended && sdk.attributes && sdk.events && sdk.endTime) {
    return {
      ...ids,
      name: sdk.name ?? beginning.name,
      endMillis: millisOf(sdk.endTime),
      attributes: sdk.attributes,
      events: withinRoom(
        sdk.events.map(({ name, time, attributes = {} }) => ({ name, atMillis: millisOf(time), attributes })),
      ),
      statusCode: sdk.status?.code ?? 0,
      statusMessage: sdk.status?.message,
    };
  }
  const last = events.at(-1);
  return {
    ...ids,
    name: beginning.name,
    ...(hasEnded && {
      endMillis:
        endedAt ?? (last ? last.atMillis + Number(last.attributes[names.ATTEMPT_DURATION_MS] ?? 0) : startedAt),
    }),
    attributes,
    events: withinRoom(events),
  };
}

/** The events, the oldest of them without their bodies if there is no room for all. */
function withinRoom(events: readonly SnapshotEvent[]): readonly SnapshotEvent[] {
  let over = events.reduce((sum, event) => sum + bodyCharacters(event), 0) - MOST_BODY_CHARACTERS;
  if (over <= 0) return events;
  return events.map((event) => {
    if (over <= 0) return event;
    over -= bodyCharacters(event);
    const {
      [names.HTTP_REQUEST_BODY_CONTENT]: _request,
      [names.HTTP_RESPONSE_BODY_CONTENT]: _response,
      ...attributes
    } = event.attributes;
    return { ...event, attributes };
  });
}

function bodyCharacters({ attributes }: SnapshotEvent): number {
  const bodies = [attributes[names.HTTP_REQUEST_BODY_CONTENT], attributes[names.HTTP_RESPONSE_BODY_CONTENT]];
  return bodies.reduce<number>((sum, body) => sum + (typeof body === 'string' ? body.length : 0), 0);
}

/** The event of an attempt in flight. Only the local viewer gets it: nothing that may change is exported. */
export function inFlightEvent(attempt: AttemptProgress, capturing: CaptureSettings): SnapshotEvent {
  const { startedAt } = attempt;
  const kept = keepOf({ ...attempt, status: 'completed', endedAt: startedAt }, capturing);
  const { [names.ATTEMPT_DURATION_MS]: _, ...attributes } = attemptAttributes(kept, undefined);
  return {
    name: names.EVENT_ATTEMPT,
    atMillis: startedAt,
    attributes: { ...attributes, [names.ATTEMPT_STATUS]: 'in_flight' },
  };
}

function millisOf([seconds, nanos]: HrTime): number {
  return seconds * 1000 + nanos / 1e6;
}
