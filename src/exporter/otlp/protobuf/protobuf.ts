import { toWireRequest } from '../json.js';
import { isSendableTime } from '../sendable.js';
import { encodeWireRequest } from './exact-protobuf.js';
import { loadProtobufSerializer, type ReadableSpan } from './library.js';
import { isFromFile } from './wire.js';

/** One request with all the spans, as Protobuf: by OpenTelemetry's serializer, where it can be loaded, except for numbers and times that it would change. */
export async function encodeProtobuf(spans: readonly ReadableSpan[]): Promise<Uint8Array> {
  const serializer = await loadProtobufSerializer();
  const plain = serializer ? spans.filter((span) => !needsExactWriter(span)) : [];
  const exact = serializer ? spans.filter(needsExactWriter) : spans;
  const parts: Uint8Array[] = [];
  if (plain.length > 0) parts.push(serializer?.serializeRequest(plain) ?? new Uint8Array());
  if (exact.length > 0) parts.push(encodeWireRequest(toWireRequest(exact)));
  // Two messages that follow each other are one with the fields of both: https://protobuf.dev/programming-guides/encoding/#last-one-wins
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

function needsExactWriter(span: ReadableSpan): boolean {
  return (
    isFromFile(span) ||
    ![span.startTime, span.endTime, ...span.events.map(({ time }) => time)].every(isSendableTime) ||
    hasLargeInteger(span.attributes) ||
    span.events.some(({ attributes }) => hasLargeInteger(attributes)) ||
    span.links.some(({ attributes }) => hasLargeInteger(attributes)) ||
    hasLargeInteger(span.resource.attributes)
  );
}

/** Whether there is a number that is an integer for JavaScript, but too large for an exact one: it is a double. */
function hasLargeInteger(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value === 'bigint') return true;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  for (const key in value) if (hasLargeInteger(value[key as keyof typeof value])) return true;
  return false;
}
