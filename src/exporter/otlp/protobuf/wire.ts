/*
 * The JSON mapping of opentelemetry-proto's trace messages, as written by any exporter. Writers differ in what they leave out,
 * so everything but ids is optional.
 */

import type { WrittenNumber } from '../number-text.js';
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
  droppedAttributesCount?: WrittenNumber;
  entityRefs?: WireEntityRef[];
}

export interface WireEntityRef {
  schemaUrl?: string;
  type?: string;
  idKeys?: string[];
  descriptionKeys?: string[];
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
  droppedAttributesCount?: WrittenNumber;
}

export interface WireContext {
  traceId: string;
  spanId: string;
  traceState?: string | undefined;
}

export interface WireSpan extends WireContext {
  parentSpanId?: string | undefined;
  flags?: WrittenNumber;
  name?: string;
  kind?: WrittenNumber;
  startTimeUnixNano?: WrittenNumber;
  endTimeUnixNano?: WrittenNumber;
  attributes?: WireKeyValue[];
  droppedAttributesCount?: WrittenNumber;
  events?: WireEvent[];
  droppedEventsCount?: WrittenNumber;
  links?: WireLink[];
  droppedLinksCount?: WrittenNumber;
  status?: { code?: WrittenNumber; message?: string | undefined };
}

export interface WireEvent {
  timeUnixNano?: WrittenNumber;
  name?: string;
  attributes?: WireKeyValue[];
  droppedAttributesCount?: WrittenNumber;
}

export interface WireLink extends WireContext {
  attributes?: WireKeyValue[];
  droppedAttributesCount?: WrittenNumber;
  flags?: WrittenNumber;
}

export interface WireKeyValue {
  key: string;
  value?: WireValue | undefined;
}

export interface WireValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: WrittenNumber;
  doubleValue?: WrittenNumber;
  bytesValue?: string;
  arrayValue?: { values?: WireValue[] };
  kvlistValue?: { values?: WireKeyValue[] };
}

/** Whether a value has the field: Protobuf's JSON takes `null` for a field that is not there. */
export function isSet<T>(field: T | undefined | null): field is T {
  return field !== undefined && field !== null;
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
export function kindNumber(kind: WrittenNumber | undefined): number {
  return numberOf(kind, KINDS);
}

/** The number of a status code, as for `kindNumber`. */
export function statusNumber(code: WrittenNumber | undefined): number {
  return numberOf(code, STATUS_CODES);
}

function numberOf(value: WrittenNumber | undefined, names: readonly string[]): number {
  return typeof value === 'string' ? Math.max(0, names.indexOf(value)) : Number(value ?? 0);
}

/** Nanoseconds. */
export const SECOND = 1_000_000_000n;
/** The bit of `flags` that says whether the next one means anything. */
export const HAS_IS_REMOTE = 0x100;
export const IS_REMOTE = 0x200;

/*
 * What a file says, for spans, resources and scopes that were read from one. It is written again unchanged, with the fields that
 * runtrace does not know.
 */
export const wireSpans = new WeakMap<ReadableSpan, WireSpan>();
export const wireResources = new WeakMap<ReadableSpan['resource'], Omit<WireResourceSpans, 'scopeSpans'>>();
export const wireScopes = new WeakMap<ReadableSpan['instrumentationScope'], Omit<WireScopeSpans, 'spans'>>();
/** By resource: the fields of the request that no version of OTLP knows. */
export const wireRequests = new WeakMap<ReadableSpan['resource'], Omit<WireRequest, 'resourceSpans'>>();

/** Whether the span was read by `decodeRequest`. */
export function isFromFile(span: ReadableSpan): boolean {
  return wireSpans.has(span);
}
