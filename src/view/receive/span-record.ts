import { NumberText } from '../../exporter/otlp/number-text.js';
import {
  isSet,
  kindNumber,
  statusNumber,
  type WireKeyValue,
  type WireResource,
  type WireScope,
  type WireSpan,
  type WireValue,
} from '../../exporter/otlp/protobuf/wire.js';
import type { SpanSnapshot } from '../../spans/progress/listener.js';

/** A span as the viewer stores it: its attributes are plain JSON values, and texts that are too long are cut. */
export interface SpanRecord extends Omit<SpanSnapshot, 'attributes' | 'events'> {
  readonly attributes: Record<string, unknown>;
  readonly events: readonly EventRecord[];
  /** How long the values were that were cut, in bytes, by attribute. */
  readonly cut?: Record<string, number> | undefined;
  /** How many events were left out. */
  readonly droppedEvents?: number | undefined;
  /** Only of a snapshot of the live channel: a lower number is older. */
  readonly sequence?: number | undefined;
  /** OTLP's number of its kind. */
  readonly kind?: number | undefined;
  /** `service.name` of its resource. */
  readonly service?: string | undefined;
  /** The name of its instrumentation scope. */
  readonly library?: string | undefined;
}

/** A span that was delivered has ended, also if its writer gave it no end. */
export function isInProgress({ endMillis, sequence }: SpanRecord): boolean {
  return endMillis === undefined && sequence !== undefined;
}

/** What spans of one resource and instrumentation scope share. */
export type Origin = Pick<SpanRecord, 'service' | 'library'>;

export interface EventRecord {
  readonly name: string;
  readonly atMillis: number;
  readonly attributes: Record<string, unknown>;
  readonly cut?: Record<string, number> | undefined;
}

/** Stored of one text, in characters. runtrace itself writes at most 64 KiB. */
const LONGEST_TEXT = 256 * 1024;
export const LONGEST_NAME = 1024;
export const MOST_EVENTS = 1000;
const MOST_ATTRIBUTES = 1000;
const MOST_ITEMS = 1000;
const DEEPEST_LEVEL = 16;

/** The reason why something is not a span. */
export class NoSpanError extends Error {}

/**
 * A span of an OTLP request, which any program may have written.
 *
 * @throws NoSpanError if it has no proper ids, no start, or fields of the wrong type. The text does not quote it.
 */
export function recordOf(wire: WireSpan, origin: Origin): SpanRecord {
  if (typeof wire !== 'object' || wire === null) throw new NoSpanError('a span is no object');
  const startMillis = millisOf(wire.startTimeUnixNano);
  const endMillis = millisOf(wire.endTimeUnixNano);
  if (startMillis === undefined) throw new NoSpanError('a span has no start');
  const { attributes, cut } = attributesOf(wire.attributes);
  const events = listOf(wire.events, 'events');
  const parentSpanId = wire.parentSpanId ? idOf(wire.parentSpanId, 16, 'parent') : undefined;
  return {
    traceId: idOf(wire.traceId, 32, 'trace'),
    spanId: idOf(wire.spanId, 16, 'span'),
    ...(parentSpanId && { parentSpanId }),
    name: textOf(wire.name, 'name').slice(0, LONGEST_NAME),
    startMillis,
    // An end before the start comes from a clock that was set.
    ...(endMillis !== undefined && { endMillis: Math.max(startMillis, endMillis) }),
    attributes,
    ...(cut && { cut }),
    events: events.slice(0, MOST_EVENTS).map((event) => {
      const of = attributesOf(event?.attributes);
      const atMillis = millisOf(event?.timeUnixNano) ?? startMillis;
      return { name: textOf(event?.name, 'name').slice(0, LONGEST_NAME), atMillis, ...of };
    }),
    ...(events.length > MOST_EVENTS && { droppedEvents: events.length - MOST_EVENTS }),
    kind: kindNumber(wire.kind),
    statusCode: statusNumber(wire.status?.code),
    ...(wire.status?.message && {
      statusMessage: textOf(wire.status.message, 'status message').slice(0, LONGEST_TEXT),
    }),
    ...origin,
  };
}

/** What the resource and the scope of a group of spans say; what is wrong in them is left out. */
export function originOf(resource: WireResource | undefined, scope: WireScope | undefined): Origin {
  const pairs = Array.isArray(resource?.attributes) ? resource.attributes : [];
  const service = pairs.find((pair) => pair?.key === 'service.name')?.value?.stringValue;
  const library = scope?.name;
  return {
    ...(typeof service === 'string' && service !== '' && { service: service.slice(0, LONGEST_NAME) }),
    ...(typeof library === 'string' && library !== '' && { library: library.slice(0, LONGEST_NAME) }),
  };
}

/** Hex digits, not all of them zero. OTLP's JSON allows both cases. */
export function idOf(id: unknown, length: number, what: string): string {
  const isId = typeof id === 'string' && id.length === length && /^[0-9a-f]+$/i.test(id) && /[^0]/.test(id);
  if (!isId) throw new NoSpanError(`a ${what} id is no ${length} hex digits`);
  return id.toLowerCase();
}

function textOf(text: unknown, what: string): string {
  if (text === undefined || text === null) return '';
  if (typeof text !== 'string') throw new NoSpanError(`a ${what} is no text`);
  return text;
}

function listOf<T>(list: T[] | undefined | null, what: string): T[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new NoSpanError(`${what} are no list`);
  return list;
}

/** Milliseconds since the epoch. 0 is Protobuf's "not set". */
function millisOf(written: unknown): number | undefined {
  const nanos = plainNumber(written);
  if (nanos === undefined || nanos === null) return undefined;
  if (typeof nanos === 'number' && Math.abs(nanos) < 1e20) return nanos / 1e6 || undefined;
  // A time before 1970 has no representation in OTLP; a sign is a writer's error that still says when.
  if (typeof nanos !== 'string' || !/^(?:-?\d{1,20})?$/.test(nanos)) throw new NoSpanError('a time has no digits');
  const exact = BigInt(nanos);
  return Number(exact / 1_000_000n) + Number(exact % 1_000_000n) / 1e6 || undefined;
}

function attributesOf(wire: WireKeyValue[] | undefined): {
  attributes: Record<string, unknown>;
  cut?: Record<string, number>;
} {
  const cut = new Map<string, number>();
  const pairs = listOf(wire, 'attributes')
    .slice(0, MOST_ATTRIBUTES)
    .map((pair): [string, unknown] => {
      const key = textOf(pair?.key, 'key').slice(0, LONGEST_NAME);
      return [key, plainValue(pair?.value, 0, (bytes) => cut.set(key, (cut.get(key) ?? 0) + bytes))];
    });
  // `fromEntries` defines: a key `__proto__` is a key like any other.
  const attributes = Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
  return cut.size > 0 ? { attributes, cut: Object.fromEntries(cut) } : { attributes };
}

/** `cutFrom` is called with the full length of a text that is cut, in bytes. */
function plainValue(value: WireValue | undefined, level: number, cutFrom: (bytes: number) => void): unknown {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object') throw new NoSpanError('a value is no object');
  if (isSet(value.stringValue)) return shortened(textOf(value.stringValue, 'value'), cutFrom);
  if (isSet(value.boolValue)) return value.boolValue === true;
  if (isSet(value.intValue)) return integerOf(value.intValue);
  if (isSet(value.doubleValue)) return doubleOf(value.doubleValue);
  if (isSet(value.bytesValue)) return shortened(textOf(value.bytesValue, 'value'), cutFrom);
  if (level >= DEEPEST_LEVEL) return '…';
  if (value.arrayValue) {
    const items = listOf(value.arrayValue.values, 'values').slice(0, MOST_ITEMS);
    return items.map((item) => plainValue(item, level + 1, cutFrom) ?? null);
  }
  if (value.kvlistValue) {
    const pairs = listOf(value.kvlistValue.values, 'values').slice(0, MOST_ITEMS);
    return Object.fromEntries(pairs.map((it) => [textOf(it?.key, 'key'), plainValue(it?.value, level + 1, cutFrom)]));
  }
  return undefined;
}

function shortened(text: string, cutFrom: (bytes: number) => void): string {
  if (text.length <= LONGEST_TEXT) return text;
  cutFrom(Buffer.byteLength(text));
  return text.slice(0, LONGEST_TEXT);
}

/** A number that is not in quotes, as JavaScript has it; an integer that it has no exact number for is its digits. */
function plainNumber(written: unknown): unknown {
  if (!(written instanceof NumberText)) return written;
  const text = String(written);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) ? text : Number(text);
}

/** An integer that JavaScript has no exact number for stays its digits. */
function integerOf(written: unknown): number | string {
  const digits = plainNumber(written);
  const isInteger =
    typeof digits === 'number' ? Number.isInteger(digits) : typeof digits === 'string' && /^-?\d{1,20}$/.test(digits);
  if (!isInteger) throw new NoSpanError('an integer has no digits');
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : String(digits);
}

/** JSON has no NaN and no infinity: they are their names. */
function doubleOf(written: unknown): number | string {
  const value = plainNumber(written);
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : String(number);
}

/** Attributes that are plain values already, in the same bounds: values that are neither are left out. */
export function boundedAttributes(given: unknown): {
  attributes: Record<string, unknown>;
  cut?: Record<string, number>;
} {
  if (typeof given !== 'object' || given === null) return { attributes: {} };
  const cut: Record<string, number> = {};
  const bounded = (name: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => bounded(name, item) ?? null);
    if (typeof value === 'string') {
      return shortened(value, (bytes) => {
        cut[name] = bytes;
      });
    }
    return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
  };
  const pairs = Object.entries(given).slice(0, MOST_ATTRIBUTES);
  const attributes = Object.fromEntries(
    pairs.map(([name, value]) => [name.slice(0, LONGEST_NAME), bounded(name, value)]),
  );
  return Object.keys(cut).length > 0 ? { attributes, cut } : { attributes };
}
