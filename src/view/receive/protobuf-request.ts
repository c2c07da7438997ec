import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type {
  WireEvent,
  WireKeyValue,
  WireRequest,
  WireResource,
  WireResourceSpans,
  WireScope,
  WireScopeSpans,
  WireSpan,
  WireValue,
} from '../../exporter/otlp/protobuf/wire.js';

/** Deeper attribute values are refused, as Protobuf's own readers do. */
const DEEPEST_LEVEL = 100;

/** Reads one field of a message, if it knows the field. */
type Fields<T> = Record<number, (reader: BinaryReader, message: T) => void>;

/**
 * Reads an `ExportTraceServiceRequest` into OTLP's JSON mapping. Fields that a viewer does not show are skipped.
 *
 * @throws Error if the bytes are no such message. The text does not quote them.
 */
export function readProtobufRequest(bytes: Uint8Array): WireRequest {
  return { resourceSpans: readMessage(bytes, REQUEST, { list: [] as WireResourceSpans[] }).list };
}

const REQUEST: Fields<{ list: WireResourceSpans[] }> = {
  1: (from, to) => to.list.push(readMessage(from.bytes(), RESOURCE_SPANS, { scopeSpans: [] })),
};
const RESOURCE_SPANS: Fields<WireResourceSpans> = {
  1: (from, to) => {
    to.resource = readMessage(from.bytes(), RESOURCE, {});
  },
  2: (from, to) => to.scopeSpans?.push(readMessage(from.bytes(), SCOPE_SPANS, { spans: [] })),
};
const RESOURCE: Fields<WireResource> = {
  1: (from, to) => pushTo(to, 'attributes', readKeyValue(from.bytes(), 0)),
};
const SCOPE_SPANS: Fields<WireScopeSpans> = {
  1: (from, to) => {
    to.scope = readMessage(from.bytes(), SCOPE, {});
  },
  2: (from, to) => to.spans?.push(readMessage(from.bytes(), SPAN, { traceId: '', spanId: '' })),
};
const SCOPE: Fields<WireScope> = {
  1: (from, to) => {
    to.name = from.string();
  },
};
const SPAN: Fields<WireSpan> = {
  1: (from, to) => {
    to.traceId = hex(from.bytes());
  },
  2: (from, to) => {
    to.spanId = hex(from.bytes());
  },
  4: (from, to) => {
    to.parentSpanId = hex(from.bytes());
  },
  5: (from, to) => {
    to.name = from.string();
  },
  6: (from, to) => {
    to.kind = from.int32();
  },
  7: (from, to) => {
    to.startTimeUnixNano = String(from.fixed64());
  },
  8: (from, to) => {
    to.endTimeUnixNano = String(from.fixed64());
  },
  9: (from, to) => pushTo(to, 'attributes', readKeyValue(from.bytes(), 0)),
  11: (from, to) => pushTo(to, 'events', readMessage(from.bytes(), EVENT, {})),
  15: (from, to) => {
    to.status = readMessage(from.bytes(), STATUS, {});
  },
};
const EVENT: Fields<WireEvent> = {
  1: (from, to) => {
    to.timeUnixNano = String(from.fixed64());
  },
  2: (from, to) => {
    to.name = from.string();
  },
  3: (from, to) => pushTo(to, 'attributes', readKeyValue(from.bytes(), 0)),
};
const STATUS: Fields<NonNullable<WireSpan['status']>> = {
  2: (from, to) => {
    to.message = from.string();
  },
  3: (from, to) => {
    to.code = from.int32();
  },
};

function readKeyValue(bytes: Uint8Array, level: number): WireKeyValue {
  return readMessage<WireKeyValue>(
    bytes,
    {
      1: (from, to) => {
        to.key = from.string();
      },
      2: (from, to) => {
        to.value = readValue(from.bytes(), level);
      },
    },
    { key: '' },
  );
}

function readValue(bytes: Uint8Array, level: number): WireValue {
  if (level > DEEPEST_LEVEL) throw new Error(`an attribute is nested deeper than ${DEEPEST_LEVEL} levels`);
  const read =
    (field: keyof WireValue, value: (from: BinaryReader) => unknown) => (from: BinaryReader, to: WireValue) => {
      Object.assign(to, { [field]: value(from) });
    };
  return readMessage<WireValue>(
    bytes,
    {
      1: read('stringValue', (from) => from.string()),
      2: read('boolValue', (from) => from.bool()),
      3: read('intValue', (from) => String(from.int64())),
      4: read('doubleValue', (from) => from.double()),
      5: read('arrayValue', (from) => ({ values: readList(from.bytes(), (item) => readValue(item, level + 1)) })),
      6: read('kvlistValue', (from) => ({ values: readList(from.bytes(), (item) => readKeyValue(item, level + 1)) })),
      7: read('bytesValue', (from) => Buffer.from(from.bytes()).toString('base64')),
    },
    {},
  );
}

function readList<T>(bytes: Uint8Array, read: (item: Uint8Array) => T): T[] {
  return readMessage(bytes, { 1: (from, to) => to.list.push(read(from.bytes())) }, { list: [] as T[] }).list;
}

/** Protobuf's reader checks each length against the bytes that there are; a field of another wire type than the schema's is an error. */
function readMessage<T>(bytes: Uint8Array, fields: Fields<T>, message: T): T {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields[number];
    if (field && wireType !== WireType.StartGroup && wireType !== WireType.EndGroup) field(reader, message);
    else reader.skip(wireType, number);
  }
  return message;
}

function pushTo<K extends string, V>(message: { [key in K]?: V[] }, key: K, value: V): void {
  const list = message[key];
  if (list) list.push(value);
  else message[key] = [value];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
