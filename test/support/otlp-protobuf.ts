/*
 * Reads an `ExportTraceServiceRequest` in Protobuf into OTLP's JSON mapping, by a table of opentelemetry-proto's fields. It shares no
 * code with runtrace or with OpenTelemetry's serializers, so that it can judge them.
 */

type Kind = 'string' | 'hex' | 'base64' | 'bool' | 'uint' | 'int64' | 'fixed64' | 'fixed32' | 'double' | Schema;
interface Field {
  name: string;
  kind: Kind | (() => Schema);
  isList?: boolean;
}
type Schema = Readonly<Record<number, Field>>;

const one = (name: string, kind: Field['kind']): Field => ({ name, kind });
const many = (name: string, kind: Field['kind']): Field => ({ name, kind, isList: true });

const VALUE: Schema = {
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
  5: one('arrayValue', () => ({ 1: many('values', VALUE) })),
  6: one('kvlistValue', () => ({ 1: many('values', KEY_VALUE) })),
  7: one('bytesValue', 'base64'),
};
const KEY_VALUE: Schema = { 1: one('key', 'string'), 2: one('value', VALUE) };
const RESOURCE: Schema = { 1: many('attributes', KEY_VALUE), 2: one('droppedAttributesCount', 'uint') };
const SCOPE: Schema = {
  1: one('name', 'string'),
  2: one('version', 'string'),
  3: many('attributes', KEY_VALUE),
  4: one('droppedAttributesCount', 'uint'),
};
const EVENT: Schema = {
  1: one('timeUnixNano', 'fixed64'),
  2: one('name', 'string'),
  3: many('attributes', KEY_VALUE),
  4: one('droppedAttributesCount', 'uint'),
};
const LINK: Schema = {
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  3: one('traceState', 'string'),
  4: many('attributes', KEY_VALUE),
  5: one('droppedAttributesCount', 'uint'),
  6: one('flags', 'fixed32'),
};
const SPAN: Schema = {
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  3: one('traceState', 'string'),
  4: one('parentSpanId', 'hex'),
  5: one('name', 'string'),
  6: one('kind', 'uint'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: many('attributes', KEY_VALUE),
  10: one('droppedAttributesCount', 'uint'),
  11: many('events', EVENT),
  12: one('droppedEventsCount', 'uint'),
  13: many('links', LINK),
  14: one('droppedLinksCount', 'uint'),
  15: one('status', { 2: one('message', 'string'), 3: one('code', 'uint') }),
  16: one('flags', 'fixed32'),
};
const SCOPE_SPANS: Schema = { 1: one('scope', SCOPE), 2: many('spans', SPAN), 3: one('schemaUrl', 'string') };
const RESOURCE_SPANS: Schema = {
  1: one('resource', RESOURCE),
  2: many('scopeSpans', SCOPE_SPANS),
  3: one('schemaUrl', 'string'),
};
const REQUEST: Schema = { 1: many('resourceSpans', RESOURCE_SPANS) };

/** @throws Error if the bytes are no such request: an unknown field or a wrong wire type too. */
export function decodeOtlpProtobuf(bytes: Uint8Array): unknown {
  return { resourceSpans: [], ...decode(Buffer.from(bytes), REQUEST) };
}

function decode(bytes: Buffer, schema: Schema): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = schema[tag >> 3];
    if (!field) throw new Error(`unknown field ${tag >> 3}`);
    const kind = typeof field.kind === 'function' ? field.kind() : field.kind;
    const wireType = kind === 'fixed64' || kind === 'double' ? 1 : kind === 'fixed32' ? 5 : isVarint(kind) ? 0 : 2;
    if ((tag & 7) !== wireType) throw new Error(`${field.name} has the wire type ${tag & 7}`);
    let raw: Buffer | bigint;
    if (wireType === 0) raw = varint();
    else {
      const length = wireType === 1 ? 8 : wireType === 5 ? 4 : Number(varint());
      if (at + length > bytes.length) throw new Error(`${field.name} is cut off`);
      raw = bytes.subarray(at, at + length);
      at += length;
    }
    const value = convert(raw, kind);
    if (field.isList) message[field.name] = [...((message[field.name] as unknown[]) ?? []), value];
    else message[field.name] = value;
  }
  return message;
}

function isVarint(kind: Kind): boolean {
  return kind === 'bool' || kind === 'uint' || kind === 'int64';
}

function convert(raw: Buffer | bigint, kind: Kind): unknown {
  if (typeof raw === 'bigint') {
    if (kind === 'bool') return raw === 1n;
    return kind === 'int64' ? String(BigInt.asIntN(64, raw)) : Number(raw);
  }
  switch (kind) {
    case 'string':
      return new TextDecoder('utf-8', { fatal: true }).decode(raw);
    case 'hex':
      return raw.toString('hex');
    case 'base64':
      return raw.toString('base64');
    case 'fixed64':
      return String(raw.readBigUInt64LE());
    case 'fixed32':
      return raw.readUInt32LE();
    case 'double': {
      const value = raw.readDoubleLE();
      return Number.isFinite(value) ? value : String(value);
    }
    default:
      return decode(raw, kind as Schema);
  }
}
