import type { ReadableSpan } from './span.js';

/*
 * The size of spans as OTLP JSON, estimated without writing them, rather too large than too small. Protobuf is smaller, so that
 * the estimate is a bound for both. The numbers below are the lengths of the fixed parts of the JSON, rounded up.
 */

const SPAN_BYTES = 420;
const EVENT_BYTES = 110;
const LINK_BYTES = 190;
const KEY_VALUE_BYTES = 24;
const VALUE_BYTES = 40;
/** More than the attributes that the detectors of host, process and service find. */
const PENDING_RESOURCE_BYTES = 4096;

/** A span without its resource. */
export function spanBytes(span: ReadableSpan): number {
  let bytes = SPAN_BYTES + textBytes(span.name) + attributesBytes(span.attributes);
  if (span.status.message) bytes += textBytes(span.status.message);
  bytes += traceStateBytes(span.spanContext().traceState);
  for (const event of span.events) bytes += EVENT_BYTES + textBytes(event.name) + attributesBytes(event.attributes);
  for (const link of span.links) {
    bytes += LINK_BYTES + attributesBytes(link.attributes) + traceStateBytes(link.context.traceState);
  }
  return bytes;
}

const known = new WeakMap<object, number>();

/** The part of a request that all spans of a resource share: the resource, and an instrumentation scope. */
export function resourceBytes({ resource, instrumentationScope: scope }: ReadableSpan): number {
  let bytes = known.get(resource);
  if (bytes === undefined) {
    // Not looked at before its detectors are done: the SDK complains about that.
    if (resource.asyncAttributesPending) return PENDING_RESOURCE_BYTES;
    bytes = 150 + attributesBytes(resource.attributes) + textBytes(resource.schemaUrl ?? '');
    known.set(resource, bytes);
  }
  return bytes + 100 + textBytes(scope.name + (scope.version ?? '') + (scope.schemaUrl ?? ''));
}

function attributesBytes(attributes: object | undefined): number {
  let bytes = 0;
  for (const key in attributes) {
    bytes += KEY_VALUE_BYTES + textBytes(key) + valueBytes(attributes[key as keyof typeof attributes]);
  }
  return bytes;
}

/** The size of an attribute's value. */
export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + textBytes(value);
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  if (value instanceof Uint8Array) return VALUE_BYTES + Math.ceil(value.length / 3) * 4;
  if (!Array.isArray(value)) return VALUE_BYTES + attributesBytes(value);
  let bytes = VALUE_BYTES;
  for (const item of value) bytes += valueBytes(item);
  return bytes;
}

function traceStateBytes(traceState: { serialize(): string } | undefined): number {
  return traceState ? textBytes(traceState.serialize()) + 20 : 0;
}

/** Many short samples estimate a text better than few long ones: the characters that are escaped, in JSON in prose, stand together. */
const SAMPLE_LENGTH = 8;
const SAMPLES = 32;
/** A text of this length may make a request too large by itself, and is sampled more closely. */
const LONG_LENGTH = 16 * 1024;
const SAMPLES_OF_LONG = 128;

/**
 * The length of a text as JSON in UTF-8, without its quotes. Looking at every character costs as much as writing
 * them, so a long text is estimated from samples spread over it, with a margin. If the estimate is too small, a backend that has a limit
 * answers 413, and the request is split.
 */
export function textBytes(text: string): number {
  const samples = text.length < LONG_LENGTH ? SAMPLES : SAMPLES_OF_LONG;
  const sampledLength = samples * SAMPLE_LENGTH;
  if (text.length <= sampledLength) return exactBytes(text, 0, text.length);
  let sampled = 0;
  for (let i = 0; i < samples; i++) {
    const start = Math.floor(((text.length - SAMPLE_LENGTH) * i) / (samples - 1));
    sampled += exactBytes(text, start, start + SAMPLE_LENGTH);
  }
  return Math.ceil(text.length * (sampled / sampledLength) * 1.05);
}

function exactBytes(text: string, start: number, end: number): number {
  let bytes = end - start;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) {
      if (code < 0x20) bytes += hasShortEscape(code) ? 1 : 5;
      else if (code === 0x22 || code === 0x5c) bytes += 1;
    } else if (code < 0x800) bytes += 1;
    else if (code >= 0xd800 && code < 0xe000) bytes += isPair(text, i) ? 1 : 5;
    else bytes += 2;
  }
  return bytes;
}

/** `\b`, `\t`, `\n`, `\f`, `\r`. */
function hasShortEscape(code: number): boolean {
  return code >= 8 && code <= 13 && code !== 11;
}

/** Half of a surrogate pair is written as an escape; a whole one is four bytes, two for each half. */
function isPair(text: string, i: number): boolean {
  const isHigh = text.charCodeAt(i) < 0xdc00;
  const other = text.charCodeAt(isHigh ? i + 1 : i - 1);
  return isHigh ? other >= 0xdc00 && other < 0xe000 : other >= 0xd800 && other < 0xdc00;
}
