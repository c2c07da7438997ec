import type { HrTime, SpanContext, TraceState } from '@opentelemetry/api';
import type { ReadableSpan } from './library.js';
import {
  kindNumber,
  statusNumber,
  type WireContext,
  type WireKeyValue,
  type WireRequest,
  type WireResource,
  type WireScope,
  type WireSpan,
  type WireValue,
} from './wire.js';

/**
 * OTLP JSON: an `ExportTraceServiceRequest` in the JSON mapping of the OTLP specification (hex ids, integer enums,
 * 64-bit integers as strings), both ways.
 *
 * The SDK's serializers only write. In JSON they write `null` for NaN and a number for a 64-bit integer, and receivers refuse
 * the whole request for either.
 */

const SECOND = 1_000_000_000n;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
/** Protobuf's own readers refuse messages that are nested deeper. */
const DEEPEST_LEVEL = 100;

/** What a file said, for spans, resources and scopes that were read from one: it is written again unchanged. */
const wireSpans = new WeakMap<ReadableSpan, WireSpan>();
const wireResources = new WeakMap<ReadableSpan['resource'], WireResource>();
const wireScopes = new WeakMap<ReadableSpan['instrumentationScope'], WireScope>();

/** Whether the span was read by `decodeRequest`. */
export function isFromFile(span: ReadableSpan): boolean {
  return wireSpans.has(span);
}

/** One request with all the spans, as one line of JSON without the line's end. */
export function encodeRequest(spans: readonly ReadableSpan[]): string {
  return JSON.stringify(toWireRequest(spans));
}

/** One request with all the spans, in the JSON mapping. */
export function toWireRequest(spans: readonly ReadableSpan[]): WireRequest {
  const resources = new Map<ReadableSpan['resource'], Map<unknown, ReadableSpan[]>>();
  for (const span of spans) {
    const scope = span.instrumentationScope;
    const key = wireScopes.has(scope) ? scope : JSON.stringify([scope.name, scope.version, scope.schemaUrl]);
    const scopes = getOrAdd(resources, span.resource, () => new Map<unknown, ReadableSpan[]>());
    getOrAdd(scopes, key, () => []).push(span);
  }
  return {
    resourceSpans: [...resources].map(([resource, scopes]) => ({
      resource: wireResources.get(resource) ?? {
        attributes: encodeAttributes(resource.attributes),
        droppedAttributesCount: 0,
      },
      scopeSpans: [...scopes.values()].map((ofScope) => {
        const { instrumentationScope: scope } = ofScope[0] as ReadableSpan;
        return {
          scope: wireScopes.get(scope) ?? { name: scope.name, version: scope.version },
          spans: ofScope.map((span) => wireSpans.get(span) ?? encodeSpan(span)),
          schemaUrl: scope.schemaUrl,
        };
      }),
      schemaUrl: resource.schemaUrl || undefined,
    })),
  };
}

/**
 * The spans of a request that was written by any exporter. They can be given to an exporter again; `encodeRequest` writes them
 * as they were, digit by digit.
 *
 * @throws SyntaxError if `text` is no JSON or no trace request. The message does not quote the text.
 */
export function decodeRequest(text: string): ReadableSpan[] {
  const request = parseJson(text) as WireRequest | null;
  if (!Array.isArray(request?.resourceSpans))
    throw new SyntaxError('not an OTLP trace request: it has no resourceSpans');
  try {
    return request.resourceSpans.flatMap(decodeResourceSpans);
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    throw new SyntaxError('not an OTLP trace request: a field has the wrong type', { cause: error });
  }
}

function decodeResourceSpans(ofResource: NonNullable<WireRequest['resourceSpans']>[number]): ReadableSpan[] {
  // The SDK's Resource has methods that only an SDK uses; exporters read these two fields.
  const resource = {
    attributes: decodeAttributes(ofResource.resource?.attributes),
    schemaUrl: ofResource.schemaUrl,
  } as ReadableSpan['resource'];
  wireResources.set(resource, ofResource.resource ?? {});
  return (ofResource.scopeSpans ?? []).flatMap(({ scope, spans, schemaUrl }) => {
    const instrumentationScope = {
      name: scope?.name ?? '',
      ...(scope?.version && { version: scope.version }),
      ...(schemaUrl && { schemaUrl }),
    };
    wireScopes.set(instrumentationScope, scope ?? {});
    return (spans ?? []).map((wire) => {
      if (!wire.traceId || !wire.spanId) throw new SyntaxError('not an OTLP trace request: a span has no id');
      const span = decodeSpan(wire, resource, instrumentationScope);
      wireSpans.set(span, wire);
      return span;
    });
  });
}

/** An integer of 64 bits that is not in quotes, as some writers have it: `JSON.parse` would round it. */
const BARE_INT64 = /(?<!\\)"(intValue|\w+UnixNano)"\s*:\s*(-?\d{16,20})(?=\s*[,}])/g;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(BARE_INT64, '"$1":"$2"'));
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    throw new SyntaxError(`not JSON${position ? `, from character ${position} on` : ', or cut off'}`);
  }
}

function encodeSpan(span: ReadableSpan): WireSpan {
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  return {
    traceId,
    spanId,
    traceState: traceState?.serialize(),
    parentSpanId: span.parentSpanContext?.spanId,
    flags: encodeFlags(traceFlags, span.parentSpanContext?.isRemote),
    name: span.name,
    kind: span.kind + 1, // The API has no value for "unspecified", which is OTLP's 0.
    startTimeUnixNano: encodeTime(span.startTime),
    endTimeUnixNano: encodeTime(span.endTime),
    attributes: encodeAttributes(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((event) => ({
      timeUnixNano: encodeTime(event.time),
      name: event.name,
      attributes: encodeAttributes(event.attributes),
      droppedAttributesCount: event.droppedAttributesCount ?? 0,
    })),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      traceState: link.context.traceState?.serialize(),
      attributes: encodeAttributes(link.attributes),
      droppedAttributesCount: link.droppedAttributesCount ?? 0,
      flags: encodeFlags(link.context.traceFlags, link.context.isRemote),
    })),
    droppedLinksCount: span.droppedLinksCount,
    status: { code: span.status.code, message: span.status.message || undefined },
  };
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
      droppedAttributesCount: link.droppedAttributesCount ?? 0,
    })),
    events: (wire.events ?? []).map((event) => ({
      name: event.name ?? '',
      time: decodeTime(event.timeUnixNano),
      attributes: decodeAttributes(event.attributes),
      droppedAttributesCount: event.droppedAttributesCount ?? 0,
    })),
    resource,
    instrumentationScope,
    droppedAttributesCount: wire.droppedAttributesCount ?? 0,
    droppedEventsCount: wire.droppedEventsCount ?? 0,
    droppedLinksCount: wire.droppedLinksCount ?? 0,
  };
}

/** `flags` of a span are its own trace flags and whether its *parent* is remote; those of a link are about the link. */
function decodeContext(ids: WireContext, flags: number, withRemote: boolean): SpanContext {
  return {
    traceId: ids.traceId,
    spanId: ids.spanId,
    traceFlags: flags & 0xff,
    ...(withRemote && (flags & IS_REMOTE) !== 0 && { isRemote: true }),
    ...(ids.traceState && { traceState: frozenTraceState(ids.traceState) }),
  };
}

function encodeFlags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

function encodeTime([seconds, nanos]: HrTime): string {
  return (BigInt(Math.trunc(seconds)) * SECOND + BigInt(Math.trunc(nanos))).toString();
}

function decodeTime(nanos: string | number | undefined): HrTime {
  const value = BigInt(nanos ?? 0);
  return [Number(value / SECOND), Number(value % SECOND)];
}

function durationBetween(start: HrTime, end: HrTime): HrTime {
  const seconds = end[0] - start[0];
  const nanos = end[1] - start[1];
  return nanos < 0 ? [seconds - 1, nanos + 1_000_000_000] : [seconds, nanos];
}

function encodeAttributes(attributes: object | undefined): WireKeyValue[] {
  return Object.entries(attributes ?? {}).map(([key, value]) => ({ key, value: encodeValue(value) }));
}

function decodeAttributes(wire: WireKeyValue[] | undefined, level = 0): ReadableSpan['attributes'] {
  return Object.fromEntries(
    (wire ?? []).map(({ key, value }) => [key, decodeValue(value, level)]),
  ) as ReadableSpan['attributes'];
}

function encodeValue(value: unknown): WireValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      if (Number.isSafeInteger(value)) return { intValue: String(value) };
      return { doubleValue: Number.isFinite(value) ? value : String(value) };
    case 'bigint':
      return { intValue: String(BigInt.asIntN(64, value)) };
    case 'object':
      if (value === null) return {};
      if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
      if (Array.isArray(value)) return { arrayValue: { values: value.map(encodeValue) } };
      return { kvlistValue: { values: encodeAttributes(value) } };
    default:
      return {};
  }
}

function decodeValue(value: WireValue | undefined, level: number): unknown {
  if (!value) return undefined;
  if (level > DEEPEST_LEVEL) throw new SyntaxError(`an attribute is nested deeper than ${DEEPEST_LEVEL} levels`);
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return decodeInteger(value.intValue);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.bytesValue !== undefined) return new Uint8Array(Buffer.from(value.bytesValue, 'base64'));
  if (value.arrayValue) return (value.arrayValue.values ?? []).map((item) => decodeValue(item, level + 1));
  if (value.kvlistValue) return decodeAttributes(value.kvlistValue.values, level + 1);
  return undefined;
}

function decodeInteger(digits: string | number): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
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

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
