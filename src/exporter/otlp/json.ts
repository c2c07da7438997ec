import type { HrTime, SpanContext, TraceState } from '@opentelemetry/api';
import type { ReadableSpan } from './span.js';

/**
 * OTLP JSON: an `ExportTraceServiceRequest` in the JSON mapping of the OTLP specification (hex ids, integer enums,
 * 64-bit integers as strings), both ways.
 *
 * Written here and not taken from a serializer of the SDK because those only write, number for 64-bit integers, and
 * `null` for NaN, which receivers refuse.
 */

const SECOND = 1_000_000_000n;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** One request with all the spans, as one line of JSON without the line's end. */
export function encodeRequest(spans: readonly ReadableSpan[]): string {
  const resources = new Map<ReadableSpan['resource'], Map<string, ReadableSpan[]>>();
  for (const span of spans) {
    const { name, version, schemaUrl } = span.instrumentationScope;
    const scopes = getOrAdd(resources, span.resource, () => new Map<string, ReadableSpan[]>());
    getOrAdd(scopes, JSON.stringify([name, version, schemaUrl]), () => []).push(span);
  }
  const resourceSpans = [...resources].map(([resource, scopes]) => ({
    resource: { attributes: encodeAttributes(resource.attributes), droppedAttributesCount: 0 },
    scopeSpans: [...scopes.values()].map((ofScope) => {
      const { name, version, schemaUrl } = (ofScope[0] as ReadableSpan).instrumentationScope;
      return { scope: { name, version }, spans: ofScope.map(encodeSpan), schemaUrl };
    }),
    schemaUrl: resource.schemaUrl || undefined,
  }));
  return JSON.stringify({ resourceSpans });
}

/**
 * The spans of a request that was written by any exporter. They can be given to an exporter again.
 *
 * @throws SyntaxError if `text` is no JSON or no trace request.
 */
export function decodeRequest(text: string): ReadableSpan[] {
  const request = JSON.parse(text) as WireRequest | null;
  if (!Array.isArray(request?.resourceSpans))
    throw new SyntaxError('not an OTLP trace request: it has no resourceSpans');
  return request.resourceSpans.flatMap((ofResource) => {
    // The SDK's Resource has methods that only an SDK uses; exporters read these two fields.
    const resource = {
      attributes: decodeAttributes(ofResource.resource?.attributes),
      schemaUrl: ofResource.schemaUrl,
    } as ReadableSpan['resource'];
    return (ofResource.scopeSpans ?? []).flatMap(({ scope, spans, schemaUrl }) => {
      const instrumentationScope = {
        name: scope?.name ?? '',
        ...(scope?.version && { version: scope.version }),
        ...(schemaUrl && { schemaUrl }),
      };
      return (spans ?? []).map((span) => decodeSpan(span, resource, instrumentationScope));
    });
  });
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
    kind: Math.max(0, (wire.kind ?? 1) - 1),
    spanContext: () => context,
    ...(parent && { parentSpanContext: decodeContext(parent, wire.flags ?? 1, true) }),
    startTime,
    endTime,
    duration: durationBetween(startTime, endTime),
    ended: true,
    status: { code: wire.status?.code ?? 0, ...(wire.status?.message && { message: wire.status.message }) },
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

function decodeAttributes(wire: WireKeyValue[] | undefined): ReadableSpan['attributes'] {
  return Object.fromEntries(
    (wire ?? []).map(({ key, value }) => [key, decodeValue(value)]),
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
      return { doubleValue: Number.isFinite(value) ? value : (String(value) as 'NaN') };
    case 'object':
      if (value === null) return {};
      if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
      if (Array.isArray(value)) return { arrayValue: { values: value.map(encodeValue) } };
      return { kvlistValue: { values: encodeAttributes(value) } };
    default:
      return {};
  }
}

function decodeValue(value: WireValue | undefined): unknown {
  if (!value) return undefined;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.bytesValue !== undefined) return new Uint8Array(Buffer.from(value.bytesValue, 'base64'));
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(decodeValue);
  if (value.kvlistValue) return decodeAttributes(value.kvlistValue.values);
  return undefined;
}

/** A trace state that was read from a file is only ever written again. */
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

// What is on the wire. Writers differ in what they leave out, so everything but ids is optional.

interface WireRequest {
  resourceSpans?: {
    resource?: { attributes?: WireKeyValue[] };
    scopeSpans?: { scope?: { name?: string; version?: string }; spans?: WireSpan[]; schemaUrl?: string }[];
    schemaUrl?: string;
  }[];
}

interface WireContext {
  traceId: string;
  spanId: string;
  traceState?: string | undefined;
}

interface WireSpan extends WireContext {
  parentSpanId?: string | undefined;
  flags?: number;
  name?: string;
  kind?: number;
  startTimeUnixNano?: string | number;
  endTimeUnixNano?: string | number;
  attributes?: WireKeyValue[];
  droppedAttributesCount?: number;
  events?: {
    timeUnixNano?: string | number;
    name?: string;
    attributes?: WireKeyValue[];
    droppedAttributesCount?: number;
  }[];
  droppedEventsCount?: number;
  links?: (WireContext & { attributes?: WireKeyValue[]; droppedAttributesCount?: number; flags?: number })[];
  droppedLinksCount?: number;
  status?: { code?: number; message?: string | undefined };
}

interface WireKeyValue {
  key: string;
  value?: WireValue;
}

interface WireValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number | 'NaN' | 'Infinity' | '-Infinity';
  bytesValue?: string;
  arrayValue?: { values?: WireValue[] };
  kvlistValue?: { values?: WireKeyValue[] };
}
