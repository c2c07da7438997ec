/*
 * The JSON mapping of opentelemetry-proto's trace messages, as written by any exporter. Writers differ in what they leave out,
 * so everything but ids is optional.
 */

import type { ReadableSpan } from './library.js';

export interface WireRequest {
  resourceSpans?: WireResourceSpans[];
}

export interface WireResourceSpans {
  resource?: WireResource | undefined;
  scopeSpans?: WireScopeSpans[];
  schemaUrl?: string | undefined;
}

export interface WireResource {
  attributes?: WireKeyValue[];
  droppedAttributesCount?: number;
}

export interface WireScopeSpans {
  scope?: WireScope | undefined;
  spans?: WireSpan[];
  schemaUrl?: string | undefined;
}

export interface WireScope {
  name?: string;
  version?: string | undefined;
  attributes?: WireKeyValue[];
  droppedAttributesCount?: number;
}

export interface WireContext {
  traceId: string;
  spanId: string;
  traceState?: string | undefined;
}

export interface WireSpan extends WireContext {
  parentSpanId?: string | undefined;
  flags?: number;
  name?: string;
  kind?: number | string;
  startTimeUnixNano?: string | number;
  endTimeUnixNano?: string | number;
  attributes?: WireKeyValue[];
  droppedAttributesCount?: number;
  events?: WireEvent[];
  droppedEventsCount?: number;
  links?: WireLink[];
  droppedLinksCount?: number;
  status?: { code?: number | string; message?: string | undefined };
}

export interface WireEvent {
  timeUnixNano?: string | number;
  name?: string;
  attributes?: WireKeyValue[];
  droppedAttributesCount?: number;
}

export interface WireLink extends WireContext {
  attributes?: WireKeyValue[];
  droppedAttributesCount?: number;
  flags?: number;
}

export interface WireKeyValue {
  key: string;
  value?: WireValue | undefined;
}

export interface WireValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number | string;
  bytesValue?: string;
  arrayValue?: { values?: WireValue[] };
  kvlistValue?: { values?: WireKeyValue[] };
}

const KINDS = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
];
const STATUS_CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

/** The number of a span kind. OTLP's JSON has numbers, but some writers use Protobuf's names. */
export function kindNumber(kind: number | string | undefined): number {
  return typeof kind === 'string' ? Math.max(0, KINDS.indexOf(kind)) : (kind ?? 0);
}

/** The number of a status code, as for `kindNumber`. */
export function statusNumber(code: number | string | undefined): number {
  return typeof code === 'string' ? Math.max(0, STATUS_CODES.indexOf(code)) : (code ?? 0);
}

/** Nanoseconds. */
export const SECOND = 1_000_000_000n;
/** The bit of `flags` that says whether the next one means anything. */
export const HAS_IS_REMOTE = 0x100;
export const IS_REMOTE = 0x200;

/** What a file says, for spans, resources and scopes that were read from one. It is written again unchanged. */
export const wireSpans = new WeakMap<ReadableSpan, WireSpan>();
export const wireResources = new WeakMap<ReadableSpan['resource'], WireResource>();
export const wireScopes = new WeakMap<ReadableSpan['instrumentationScope'], WireScope>();

/** Whether the span was read by `decodeRequest`. */
export function isFromFile(span: ReadableSpan): boolean {
  return wireSpans.has(span);
}
