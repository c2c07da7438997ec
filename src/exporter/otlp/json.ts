import type { HrTime } from '@opentelemetry/api';
import { stringifyExact } from './number-text.js';
import type { ReadableSpan } from './protobuf/library.js';
import {
  HAS_IS_REMOTE,
  IS_REMOTE,
  SECOND,
  type WireKeyValue,
  type WireRequest,
  type WireScope,
  type WireSpan,
  type WireValue,
  wireRequests,
  wireResources,
  wireScopes,
  wireSpans,
} from './protobuf/wire.js';
import { sendableTime } from './sendable.js';

/**
 * OTLP JSON: an `ExportTraceServiceRequest` in the JSON mapping of the OTLP specification (hex ids, integer enums,
 * 64-bit integers as strings). `json-reader.ts` reads it.
 *
 * Not by OpenTelemetry's serializer: it writes `null` for NaN and a number for a 64-bit integer, and receivers refuse
 * the whole request for either.
 */

/** One request with all the spans, as one line of JSON without the line's end. */
export function encodeRequest(spans: readonly ReadableSpan[]): string {
  return stringifyExact(toWireRequest(spans));
}

/** Whether a span can be encoded. To find out takes as long as to encode it. */
export function isEncodable(span: ReadableSpan): boolean {
  try {
    encodeRequest([span]);
    return true;
  } catch {
    return false;
  }
}

/** One request with all the spans, in the JSON mapping. */
export function toWireRequest(spans: readonly ReadableSpan[]): WireRequest {
  const resources = new Map<ReadableSpan['resource'], Map<unknown, ReadableSpan[]>>();
  for (const span of spans) {
    const scope = span.instrumentationScope;
    const key = wireScopes.has(scope) ? scope : JSON.stringify([encodeScope(scope), scope.schemaUrl]);
    const scopes = getOrAdd(resources, span.resource, () => new Map<unknown, ReadableSpan[]>());
    getOrAdd(scopes, key, () => []).push(span);
  }
  return {
    ...Object.assign({}, ...[...resources.keys()].map((resource) => wireRequests.get(resource))),
    resourceSpans: [...resources].map(([resource, scopes]) => ({
      ...(wireResources.get(resource) ?? {
        resource: { attributes: encodeAttributes(resource.attributes), droppedAttributesCount: 0 },
        schemaUrl: resource.schemaUrl || undefined,
      }),
      scopeSpans: [...scopes.values()].map((ofScope) => {
        const { instrumentationScope: scope } = ofScope[0] as ReadableSpan;
        return {
          ...(wireScopes.get(scope) ?? { scope: encodeScope(scope), schemaUrl: scope.schemaUrl }),
          spans: ofScope.map((span) => wireSpans.get(span) ?? encodeSpan(span)),
        };
      }),
    })),
  };
}

function encodeScope(scope: ReadableSpan['instrumentationScope']): WireScope {
  // Not every version of the SDK's type has attributes.
  const { name, version, attributes } = scope as typeof scope & { attributes?: object };
  return { name, version, ...(attributes && { attributes: encodeAttributes(attributes) }) };
}

function encodeSpan(span: ReadableSpan): WireSpan {
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  const startTime = sendableTime(span.startTime, span.endTime);
  return {
    traceId,
    spanId,
    traceState: traceState?.serialize(),
    parentSpanId: span.parentSpanContext?.spanId,
    flags: encodeFlags(traceFlags, span.parentSpanContext?.isRemote),
    name: span.name,
    kind: span.kind + 1, // The API has no value for "unspecified", which is OTLP's 0.
    startTimeUnixNano: encodeTime(startTime),
    endTimeUnixNano: encodeTime(sendableTime(span.endTime, startTime)),
    attributes: encodeAttributes(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((event) => ({
      timeUnixNano: encodeTime(sendableTime(event.time, startTime)),
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

function encodeFlags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

function encodeTime([seconds, nanos]: HrTime): string {
  return (BigInt(Math.trunc(seconds)) * SECOND + BigInt(Math.trunc(nanos))).toString();
}

/** Attributes in the JSON mapping. */
export function encodeAttributes(attributes: object | undefined): WireKeyValue[] {
  return Object.entries(attributes ?? {}).map(([key, value]) => ({ key, value: encodeValue(value) }));
}

/** The pairs of a file after some of its attributes were changed: those that are the same stay as they were written. */
export function changedAttributes(
  written: WireKeyValue[] | undefined,
  before: object | undefined,
  after: object | undefined,
): WireKeyValue[] {
  const added = new Map(Object.entries(after ?? {}));
  const kept = (written ?? []).map((pair) => {
    const value = changedValue(pair.value, before?.[pair.key as never], added.get(pair.key));
    return value === pair.value ? pair : { ...pair, value };
  });
  for (const { key } of kept) added.delete(key);
  return [...kept, ...encodeAttributes(Object.fromEntries(added))];
}

function changedValue(written: WireValue | undefined, before: unknown, after: unknown): WireValue | undefined {
  if (Object.is(before, after)) return written;
  if (!Array.isArray(before) || !Array.isArray(after)) return encodeValue(after);
  const items = written?.arrayValue?.values ?? [];
  return { arrayValue: { values: after.map((item, i) => changedValue(items[i], before[i], item) ?? {}) } };
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

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
