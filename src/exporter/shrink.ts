import { TRUNCATED_BYTES } from '../attributes.js';
import { textBytes } from './size.js';
import { copyOf, type ReadableSpan } from './span.js';

/** No text is cut to less than this; shorter ones are not touched. */
const LEAST_BYTES = 256;
/** What runtrace says about a run, a step or an attempt is short, and is why the span is there at all. */
const UNTOUCHABLE = /^runtrace\./;
const CUT_MARK = '…';

/** A text attribute of a span (`event` is -1) or of one of its events. */
interface Text {
  event: number;
  key: string;
  value: string;
  bytes: number;
}

/**
 * A copy of the span whose longest texts have lost their ends, until it is `excessBytes` smaller (or as small as it can get).
 * JSON stays JSON. Names, ids, status, times and `runtrace.*` are kept; how many bytes were cut stands in
 * `runtrace.truncated_bytes`. `undefined` if there is nothing to cut.
 */
export function shrink(span: ReadableSpan, excessBytes: number): { span: ReadableSpan; cutBytes: number } | undefined {
  const texts = [span.attributes, ...span.events.map(({ attributes }) => attributes)].flatMap(textsOf);
  const cap = capFor(
    texts.map(({ bytes }) => bytes),
    excessBytes + TRUNCATED_BYTES.length + 100,
  );
  const attributes: Record<string, unknown> = { ...span.attributes };
  const events = span.events.map((event) => ({ ...event, attributes: { ...event.attributes } }));
  let cutBytes = 0;
  for (const { event, key, value, bytes } of texts) {
    if (bytes <= cap) continue;
    const kept = cutText(value, cap);
    cutBytes += bytes - textBytes(kept);
    const target = event < 0 ? attributes : events[event]?.attributes;
    if (target) target[key] = kept;
  }
  if (cutBytes <= 0) return undefined;
  attributes[TRUNCATED_BYTES] = Number(attributes[TRUNCATED_BYTES] ?? 0) + cutBytes;
  return { span: copyOf(span, { attributes: attributes as ReadableSpan['attributes'], events }), cutBytes };
}

function textsOf(attributes: object | undefined, index: number): Text[] {
  return Object.entries(attributes ?? {}).flatMap(([key, value]) => {
    if (typeof value !== 'string' || UNTOUCHABLE.test(key)) return [];
    const bytes = textBytes(value);
    return bytes > LEAST_BYTES ? [{ event: index - 1, key, value, bytes }] : [];
  });
}

/** The length to which all that are longer must be cut for `excess` to go away: the longest pay first. */
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

function cutText(text: string, maxBytes: number): string {
  return /^\s*[[{]/.test(text) ? cutJson(text, maxBytes) : cutPlain(text, maxBytes, textBytes);
}

/** Cuts the longest strings inside; if that is not enough, what is kept is a JSON string with the beginning of the text. */
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

/** What a string weighs inside of JSON that is itself a text in JSON. */
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
