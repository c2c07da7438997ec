import {
  kindNumber,
  statusNumber,
  type WireEvent,
  type WireKeyValue,
  type WireLink,
  type WireRequest,
  type WireResourceSpans,
  type WireScopeSpans,
  type WireSpan,
  type WireValue,
} from './wire.js';

/*
 * Writes a request of OTLP JSON as Protobuf, digit by digit. OpenTelemetry's serializer takes JavaScript numbers: from 0.205 on
 * it can write neither an integer beyond 2^53 nor the double 1, and before 0.223 it wrote 1e300 as an integer. So
 * spans that were read from a file, and spans with such numbers, are written here.
 *
 * Field numbers: https://github.com/open-telemetry/opentelemetry-proto/tree/v1.7.0/opentelemetry/proto
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** An `ExportTraceServiceRequest`. */
export function encodeWireRequest({ resourceSpans = [] }: WireRequest): Buffer {
  return Buffer.concat(resourceSpans.map((it) => message(1, resourceSpansFields(it))));
}

function resourceSpansFields({ resource, scopeSpans = [], schemaUrl }: WireResourceSpans): Buffer[] {
  const resourceFields = [...attributes(1, resource?.attributes), uint(2, resource?.droppedAttributesCount)];
  return [message(1, resourceFields), ...scopeSpans.map((it) => message(2, scopeSpansFields(it))), text(3, schemaUrl)];
}

function scopeSpansFields({ scope = {}, spans = [], schemaUrl }: WireScopeSpans): Buffer[] {
  const scopeFields = [
    text(1, scope.name),
    text(2, scope.version),
    ...attributes(3, scope.attributes),
    uint(4, scope.droppedAttributesCount),
  ];
  return [message(1, scopeFields), ...spans.map((span) => message(2, spanFields(span))), text(3, schemaUrl)];
}

function spanFields(span: WireSpan): Buffer[] {
  return [
    bytes(1, id(span.traceId)),
    bytes(2, id(span.spanId)),
    text(3, span.traceState),
    bytes(4, id(span.parentSpanId)),
    text(5, span.name),
    uint(6, kindNumber(span.kind)),
    fixed64(7, span.startTimeUnixNano),
    fixed64(8, span.endTimeUnixNano),
    ...attributes(9, span.attributes),
    uint(10, span.droppedAttributesCount),
    ...(span.events ?? []).map((event) => message(11, eventFields(event))),
    uint(12, span.droppedEventsCount),
    ...(span.links ?? []).map((link) => message(13, linkFields(link))),
    uint(14, span.droppedLinksCount),
    message(15, [text(2, span.status?.message), uint(3, statusNumber(span.status?.code))]),
    fixed32(16, span.flags),
  ];
}

function eventFields(event: WireEvent): Buffer[] {
  return [
    fixed64(1, event.timeUnixNano),
    text(2, event.name),
    ...attributes(3, event.attributes),
    uint(4, event.droppedAttributesCount),
  ];
}

function linkFields(link: WireLink): Buffer[] {
  return [
    bytes(1, id(link.traceId)),
    bytes(2, id(link.spanId)),
    text(3, link.traceState),
    ...attributes(4, link.attributes),
    uint(5, link.droppedAttributesCount),
    fixed32(6, link.flags),
  ];
}

function attributes(field: number, list: readonly WireKeyValue[] = []): Buffer[] {
  return list.map(({ key, value }) =>
    message(field, [text(1, key), ...(value ? [message(2, valueFields(value))] : [])]),
  );
}

/** The fields of a oneof are written even where they hold their default, or nothing would say which one it is. */
function valueFields(value: WireValue): Buffer[] {
  if (value.stringValue !== undefined) return [delimited(1, Buffer.from(value.stringValue))];
  if (value.boolValue !== undefined) return [tag(2, VARINT), varint(value.boolValue ? 1n : 0n)];
  if (value.intValue !== undefined) return [tag(3, VARINT), varint(BigInt.asUintN(64, BigInt(value.intValue)))];
  if (value.doubleValue !== undefined) return [tag(4, FIXED64), double(Number(value.doubleValue))];
  if (value.arrayValue)
    return [
      message(
        5,
        (value.arrayValue.values ?? []).map((it) => message(1, valueFields(it ?? {}))),
      ),
    ];
  if (value.kvlistValue) return [message(6, attributes(1, value.kvlistValue.values))];
  if (value.bytesValue !== undefined) return [delimited(7, Buffer.from(value.bytesValue, 'base64'))];
  return [];
}

function message(field: number, fields: readonly Buffer[]): Buffer {
  return delimited(field, Buffer.concat(fields));
}

function delimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([tag(field, LENGTH_DELIMITED), varint(BigInt(content.length)), content]);
}

function bytes(field: number, content: Buffer): Buffer {
  return content.length > 0 ? delimited(field, content) : Buffer.alloc(0);
}

function id(hex: string | undefined): Buffer {
  return Buffer.from(String(hex ?? ''), 'hex');
}

function text(field: number, content: string | undefined): Buffer {
  return bytes(field, Buffer.from(String(content ?? '')));
}

function uint(field: number, value: number | undefined): Buffer {
  const count = Math.trunc(Number(value)) >>> 0;
  return count > 0 ? Buffer.concat([tag(field, VARINT), varint(BigInt(count))]) : Buffer.alloc(0);
}

function fixed64(field: number, value: string | number | undefined): Buffer {
  const content = Buffer.alloc(8);
  content.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value ?? 0)));
  return Buffer.concat([tag(field, FIXED64), content]);
}

function fixed32(field: number, value: number | undefined): Buffer {
  if (!value) return Buffer.alloc(0);
  const content = Buffer.alloc(4);
  content.writeUInt32LE(value >>> 0);
  return Buffer.concat([tag(field, FIXED32), content]);
}

function double(value: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return content;
}

function tag(field: number, wireType: number): Buffer {
  return varint(BigInt(field * 8 + wireType));
}

function varint(value: bigint): Buffer {
  const content: number[] = [];
  let rest = value;
  while (rest > 0x7fn) {
    content.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  content.push(Number(rest));
  return Buffer.from(content);
}
