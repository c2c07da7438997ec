import type { HrTime, SpanContext, TraceState } from '@opentelemetry/api';
import { doubleOf, integerOf, parseExact, type WrittenNumber } from './number-text.js';
import type { ReadableSpan } from './protobuf/library.js';
import {
  IS_REMOTE,
  isSet,
  kindNumber,
  SECOND,
  statusNumber,
  type WireContext,
  type WireKeyValue,
  type WireRequest,
  type WireResourceSpans,
  type WireSpan,
  type WireValue,
  wireRequests,
  wireResources,
  wireScopes,
  wireSpans,
} from './protobuf/wire.js';

/** Protobuf's own readers refuse messages that are nested deeper. */
const DEEPEST_LEVEL = 100;

/**
 * The spans of a request that was written by any exporter. They can be given to an exporter again; `encodeRequest` writes them
 * as they were, digit by digit.
 *
 * @throws SyntaxError if `text` is no JSON or no trace request. The message does not quote the text.
 */
export function decodeRequest(text: string): ReadableSpan[] {
  const { resourceSpans, ...unknown } = parseRequest(text);
  try {
    return resourceSpans.flatMap((ofResource) => decodeResourceSpans(ofResource, unknown));
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    throw new SyntaxError('not an OTLP trace request: a field has the wrong type', { cause: error });
  }
}

/**
 * The request as it is written, with each number exact. Nothing in its list is checked.
 *
 * @throws SyntaxError as `decodeRequest`.
 */
export function parseRequest(text: string): { resourceSpans: WireResourceSpans[] } {
  const request = parseJson(text) as WireRequest | null;
  if (!Array.isArray(request?.resourceSpans))
    throw new SyntaxError('not an OTLP trace request: it has no resourceSpans');
  return { ...request, resourceSpans: request.resourceSpans };
}

function decodeResourceSpans(
  { scopeSpans, ...ofResource }: WireResourceSpans,
  ofRequest: Omit<WireRequest, 'resourceSpans'>,
): ReadableSpan[] {
  // The SDK's Resource has methods that only an SDK uses; exporters read these two fields.
  const resource = {
    attributes: decodeAttributes(ofResource.resource?.attributes),
    schemaUrl: ofResource.schemaUrl,
  } as ReadableSpan['resource'];
  wireRequests.set(resource, ofRequest);
  wireResources.set(resource, ofResource);
  return (scopeSpans ?? []).flatMap(({ spans, ...ofScope }) => {
    const { scope, schemaUrl } = ofScope;
    const instrumentationScope = {
      name: scope?.name ?? '',
      ...(scope?.version && { version: scope.version }),
      ...(schemaUrl && { schemaUrl }),
    };
    wireScopes.set(instrumentationScope, ofScope);
    return (spans ?? []).map((wire) => {
      if (!wire.traceId || !wire.spanId) throw new SyntaxError('not an OTLP trace request: a span has no id');
      const span = decodeSpan(wire, resource, instrumentationScope);
      wireSpans.set(span, wire);
      return span;
    });
  });
}

function parseJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    throw new SyntaxError(`not JSON${position ? `, from character ${position} on` : ', or cut off'}`);
  }
}

function decodeSpan(
  wire: WireSpan,
  resource: ReadableSpan['resource'],
  instrumentationScope: ReadableSpan['instrumentationScope'],
): ReadableSpan {
  const context = decodeContext(wire, wire.flags ?? 1, false);
  const startTime = decodeTime(wire.startTimeUnixNano);
  const endTime = decodeTime(wire.endTimeUnixNano);
  const parent = wire.parentSpanId && { traceId: wire.traceId, spanId: wire.parentSpanId };
  return {
    name: wire.name ?? '',
    kind: kindNumber(wire.kind) - 1,
    spanContext: () => context,
    ...(parent && { parentSpanContext: decodeContext(parent, wire.flags ?? 1, true) }),
    startTime,
    endTime,
    duration: durationBetween(startTime, endTime),
    ended: true,
    status: { code: statusNumber(wire.status?.code), ...(wire.status?.message && { message: wire.status.message }) },
    attributes: decodeAttributes(wire.attributes),
    links: (wire.links ?? []).map((link) => ({
      context: decodeContext(link, link.flags ?? 0, true),
      attributes: decodeAttributes(link.attributes),
      droppedAttributesCount: Number(link.droppedAttributesCount ?? 0),
    })),
    events: (wire.events ?? []).map((event) => ({
      name: event.name ?? '',
      time: decodeTime(event.timeUnixNano),
      attributes: decodeAttributes(event.attributes),
      droppedAttributesCount: Number(event.droppedAttributesCount ?? 0),
    })),
    resource,
    instrumentationScope,
    droppedAttributesCount: Number(wire.droppedAttributesCount ?? 0),
    droppedEventsCount: Number(wire.droppedEventsCount ?? 0),
    droppedLinksCount: Number(wire.droppedLinksCount ?? 0),
  };
}

/** `flags` of a span are its own trace flags and whether its *parent* is remote; those of a link are about the link. */
function decodeContext(ids: WireContext, written: WrittenNumber, withRemote: boolean): SpanContext {
  const flags = Number(written);
  return {
    traceId: ids.traceId,
    spanId: ids.spanId,
    traceFlags: flags & 0xff,
    ...(withRemote && (flags & IS_REMOTE) !== 0 && { isRemote: true }),
    ...(ids.traceState && { traceState: frozenTraceState(ids.traceState) }),
  };
}

function decodeTime(nanos: WrittenNumber | undefined): HrTime {
  const value = requireInteger(nanos || 0, 'a time');
  return [Number(value / SECOND), Number(value % SECOND)];
}

function durationBetween(start: HrTime, end: HrTime): HrTime {
  const seconds = end[0] - start[0];
  const nanos = end[1] - start[1];
  return nanos < 0 ? [seconds - 1, nanos + 1_000_000_000] : [seconds, nanos];
}

function decodeAttributes(wire: WireKeyValue[] | undefined, level = 0): ReadableSpan['attributes'] {
  return Object.fromEntries(
    (wire ?? []).map(({ key, value }) => [key, decodeValue(value, level)]),
  ) as ReadableSpan['attributes'];
}

function decodeValue(value: WireValue | undefined, level: number): unknown {
  if (!value) return undefined;
  if (level > DEEPEST_LEVEL) throw new SyntaxError(`an attribute is nested deeper than ${DEEPEST_LEVEL} levels`);
  if (isSet(value.stringValue)) return requireType(value.stringValue, 'string');
  if (isSet(value.boolValue)) return requireType(value.boolValue, 'boolean');
  if (isSet(value.intValue)) return decodeInteger(value.intValue);
  if (isSet(value.doubleValue)) return requireDouble(value.doubleValue);
  if (isSet(value.bytesValue)) {
    return new Uint8Array(Buffer.from(requireType(value.bytesValue, 'string'), 'base64'));
  }
  if (value.arrayValue) return (value.arrayValue.values ?? []).map((item) => decodeValue(item, level + 1));
  if (value.kvlistValue) return decodeAttributes(value.kvlistValue.values, level + 1);
  return undefined;
}

function decodeInteger(written: WrittenNumber): number | bigint {
  const exact = requireInteger(written, 'an integer');
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

function requireInteger(written: WrittenNumber, what: string): bigint {
  const exact = integerOf(written);
  if (exact === undefined) throw new SyntaxError(`not an OTLP trace request: ${what} has no digits of an integer`);
  return exact;
}

function requireDouble(written: WrittenNumber): number {
  const double = doubleOf(written);
  if (double === undefined) throw new SyntaxError('not an OTLP trace request: a double is no number');
  return double;
}

function requireType<T>(value: T, type: 'string' | 'boolean'): T {
  if (typeof value !== type) throw new SyntaxError(`not an OTLP trace request: a value is no ${type}`);
  return value;
}

/** The trace state of a span that was read from a file. It is only written again. */
function frozenTraceState(serialized: string): TraceState {
  const state: TraceState = {
    set: () => state,
    unset: () => state,
    get: () => undefined,
    serialize: () => serialized,
  };
  return state;
}
