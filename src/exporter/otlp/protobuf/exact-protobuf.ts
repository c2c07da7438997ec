import { doubleOf, integerOf, type WrittenNumber } from '../number-text.js';
import {
  isSet,
  kindNumber,
  statusNumber,
  type WireEntityRef,
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
export function encodeWireRequest({ resourceSpans }: WireRequest): Buffer {
  return Buffer.concat(messages(1, resourceSpans, resourceSpansFields));
}

function resourceSpansFields({ resource, scopeSpans, schemaUrl }: WireResourceSpans): Buffer[] {
  const resourceFields = [
    ...attributes(1, resource?.attributes),
    uint(2, resource?.droppedAttributesCount),
    ...messages(3, resource?.entityRefs, entityRefFields),
  ];
  return [message(1, resourceFields), ...messages(2, scopeSpans, scopeSpansFields), text(3, schemaUrl)];
}

function entityRefFields({ schemaUrl, type, idKeys, descriptionKeys }: WireEntityRef): Buffer[] {
  const keys = (field: number, list: readonly string[] | undefined) =>
    (list ?? []).map((key) => delimited(field, Buffer.from(key)));
  return [text(1, schemaUrl), text(2, type), ...keys(3, idKeys), ...keys(4, descriptionKeys)];
}

function scopeSpansFields({ scope, spans, schemaUrl }: WireScopeSpans): Buffer[] {
  const scopeFields = [
    text(1, scope?.name),
    text(2, scope?.version),
    ...attributes(3, scope?.attributes),
    uint(4, scope?.droppedAttributesCount),
  ];
  return [message(1, scopeFields), ...messages(2, spans, spanFields), text(3, schemaUrl)];
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
    ...messages(11, span.events, eventFields),
    uint(12, span.droppedEventsCount),
    ...messages(13, span.links, linkFields),
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

function attributes(field: number, list: readonly WireKeyValue[] | undefined): Buffer[] {
  return messages(field, list, ({ key, value }) => [text(1, key), ...(value ? [message(2, valueFields(value))] : [])]);
}

/** The fields of a oneof are written even where they hold their default, or nothing would say which one it is. */
function valueFields(value: WireValue): Buffer[] {
  if (isSet(value.stringValue)) return [delimited(1, Buffer.from(value.stringValue))];
  if (isSet(value.boolValue)) return [tag(2, VARINT), varint(value.boolValue ? 1n : 0n)];
  if (isSet(value.intValue)) return [tag(3, VARINT), varint(bits64(value.intValue, BigInt.asIntN))];
  if (isSet(value.doubleValue)) return [tag(4, FIXED64), double(value.doubleValue)];
  if (value.arrayValue)
    return [
      message(
        5,
        messages(1, value.arrayValue.values, (it) => valueFields(it ?? {})),
      ),
    ];
  if (value.kvlistValue) return [message(6, attributes(1, value.kvlistValue.values))];
  if (isSet(value.bytesValue)) return [delimited(7, Buffer.from(value.bytesValue, 'base64'))];
  return [];
}

/** A field for each item; none for a list that is absent or `null`. */
function messages<T>(field: number, list: readonly T[] | undefined, fieldsOf: (item: T) => Buffer[]): Buffer[] {
  return (list ?? []).map((item) => message(field, fieldsOf(item)));
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

function uint(field: number, value: WrittenNumber | undefined): Buffer {
  const count = Math.trunc(Number(value)) >>> 0;
  return count > 0 ? Buffer.concat([tag(field, VARINT), varint(BigInt(count))]) : Buffer.alloc(0);
}

/** @throws RangeError if it is no integer that has 64 bits `within` the signed or the unsigned ones. */
function bits64(value: WrittenNumber, within: (bits: number, value: bigint) => bigint): bigint {
  const exact = integerOf(value);
  if (exact === undefined || within(64, exact) !== exact) throw new RangeError('a number is no integer of 64 bits');
  return BigInt.asUintN(64, exact);
}

function fixed64(field: number, value: WrittenNumber | undefined): Buffer {
  const content = Buffer.alloc(8);
  content.writeBigUInt64LE(bits64(value || 0, BigInt.asUintN));
  return Buffer.concat([tag(field, FIXED64), content]);
}

function fixed32(field: number, value: WrittenNumber | undefined): Buffer {
  const number = Number(value ?? 0) >>> 0;
  if (number === 0) return Buffer.alloc(0);
  const content = Buffer.alloc(4);
  content.writeUInt32LE(number);
  return Buffer.concat([tag(field, FIXED32), content]);
}

/** @throws RangeError if it is no number. */
function double(value: WrittenNumber): Buffer {
  const number = doubleOf(value);
  if (number === undefined) throw new RangeError('a double is no number');
  const content = Buffer.alloc(8);
  content.writeDoubleLE(number);
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
