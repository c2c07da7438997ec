import { TRUNCATED_BYTES } from '../../otel/names.js';
import { changedAttributes } from './json.js';
import { type WireSpan, wireSpans } from './protobuf/wire.js';
import { textBytes, valueBytes } from './size.js';
import { copySpanWith, type ReadableSpan } from './span.js';

/** A value is not cut below this size; a shorter one is not touched. */
const LEAST_BYTES = 256;
/** runtrace's own attributes of a run, a step or an attempt are short, and the reason for the span. */
const UNTOUCHABLE = /^runtrace\./;
const CUT_MARK = '…';

type Attributed = { attributes?: object } | undefined;

/** An attribute that can be cut. `owner` is an index in the list of the span, its events and its links. */
interface Part {
  owner: number;
  key: string;
  value: string | unknown[];
  bytes: number;
}

/**
 * A copy of the span whose longest texts and lists are cut at their ends, until it is `excessBytes` smaller, or as small as it can
 * get. JSON stays JSON. Names, ids, status, times and `runtrace.*` are kept. `runtrace.truncated_bytes` says how many bytes were
 * cut. `undefined` if there is nothing to cut.
 */
export function shrink(span: ReadableSpan, excessBytes: number): { span: ReadableSpan; cutBytes: number } | undefined {
  const owners = [span, ...span.events, ...span.links].map(
    ({ attributes }): Record<string, unknown> => ({ ...attributes }),
  );
  const parts = owners.flatMap(partsOf);
  const cap = capFor(
    parts.map(({ bytes }) => bytes),
    excessBytes + TRUNCATED_BYTES.length + 100,
  );
  let cutBytes = 0;
  for (const { owner, key, value, bytes } of parts) {
    if (bytes <= cap) continue;
    const kept = typeof value === 'string' ? cutText(value, cap) : cutList(value, cap);
    cutBytes += bytes - sizeOf(kept);
    (owners[owner] as Record<string, unknown>)[key] = kept;
  }
  if (cutBytes <= 0) return undefined;
  const [attributes, ...others] = owners as [ReadableSpan['attributes'], ...ReadableSpan['attributes'][]];
  attributes[TRUNCATED_BYTES] = Number(attributes[TRUNCATED_BYTES] ?? 0) + cutBytes;
  const events = span.events.map((event, i) => ({ ...event, attributes: others[i] as ReadableSpan['attributes'] }));
  const links = span.links.map((link, i) => ({
    ...link,
    attributes: others[events.length + i] as ReadableSpan['attributes'],
  }));
  const copy = copySpanWith(span, { attributes, events, links });
  const wire = wireSpans.get(span);
  if (wire) wireSpans.set(copy, cutWire(wire, span, copy));
  return { span: copy, cutBytes };
}

/** What a file says of a span, with what was cut since. */
function cutWire(wire: WireSpan, span: ReadableSpan, cut: ReadableSpan): WireSpan {
  const cutPart = <T extends Pick<WireSpan, 'attributes'>>(part: T, before: Attributed, after: Attributed): T => ({
    ...part,
    attributes: changedAttributes(part.attributes, before?.attributes, after?.attributes),
  });
  const { events, links } = wire;
  return {
    ...cutPart(wire, span, cut),
    ...(events && { events: events.map((event, i) => cutPart(event, span.events[i], cut.events[i])) }),
    ...(links && { links: links.map((link, i) => cutPart(link, span.links[i], cut.links[i])) }),
  };
}

function partsOf(attributes: Record<string, unknown>, owner: number): Part[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (!(typeof value === 'string' || Array.isArray(value)) || UNTOUCHABLE.test(key)) return [];
    const bytes = sizeOf(value);
    return bytes > LEAST_BYTES ? [{ owner, key, value, bytes }] : [];
  });
}

function sizeOf(value: string | unknown[]): number {
  return typeof value === 'string' ? textBytes(value) : valueBytes(value);
}

/** The size to which all larger values must be cut to save `excess` bytes: the largest are cut first. */
function capFor(sizes: readonly number[], excess: number): number {
  const sorted = sizes.toSorted((a, b) => b - a);
  let freed = 0;
  for (const [i, size] of sorted.entries()) {
    const next = Math.max(LEAST_BYTES, sorted[i + 1] ?? 0);
    const more = (i + 1) * Math.max(0, size - next);
    if (freed + more >= excess) return Math.max(LEAST_BYTES, size - Math.ceil((excess - freed) / (i + 1)));
    freed += more;
  }
  return LEAST_BYTES;
}

/** As many items as fit, and the beginning of the first one that does not, if it is a text. */
function cutList(list: readonly unknown[], maxBytes: number): unknown[] {
  const kept: unknown[] = [];
  let room = maxBytes - valueBytes([]);
  for (const item of list) {
    room -= valueBytes(item);
    if (room < 0) {
      const textRoom = room + (typeof item === 'string' ? textBytes(item) : 0);
      if (textRoom > CUT_MARK.length) kept.push(cutPlain(item as string, textRoom, textBytes));
      break;
    }
    kept.push(item);
  }
  return kept;
}

function cutText(text: string, maxBytes: number): string {
  return /^\s*[[{]/.test(text) ? cutJson(text, maxBytes) : cutPlain(text, maxBytes, textBytes);
}

/** Cuts the longest strings inside. If that is not enough, the result is a JSON string with the beginning of the text. */
function cutJson(text: string, maxBytes: number): string {
  let kept: string;
  try {
    const value: unknown = JSON.parse(text);
    const sizes: number[] = [];
    JSON.stringify(value, (_, item) => {
      if (typeof item === 'string') sizes.push(quotedBytes(item));
      return item;
    });
    const cap = capFor(sizes, textBytes(text) - maxBytes);
    kept = JSON.stringify(value, (_, item) =>
      typeof item === 'string' && quotedBytes(item) > cap ? cutPlain(item, cap, quotedBytes) : item,
    );
  } catch {
    return cutPlain(text, maxBytes, textBytes); // It only looked like JSON.
  }
  return textBytes(kept) <= maxBytes ? kept : JSON.stringify(cutPlain(text, maxBytes - 4, quotedBytes));
}

/** The size of a string inside of JSON that is itself a text in JSON. */
function quotedBytes(text: string): number {
  return textBytes(JSON.stringify(text)) - 4;
}

function cutPlain(text: string, maxBytes: number, sizeOf: (text: string) => number): string {
  let length = Math.floor((text.length * maxBytes) / sizeOf(text));
  for (;;) {
    // Not between the halves of a surrogate pair.
    const end = /[\ud800-\udbff]/.test(text.charAt(length - 1)) ? length - 1 : length;
    const kept = text.slice(0, Math.max(0, end)) + CUT_MARK;
    if (length <= 0 || sizeOf(kept) <= maxBytes) return kept;
    length = Math.floor(length * 0.95);
  }
}
