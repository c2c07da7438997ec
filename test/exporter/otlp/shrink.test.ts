import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shrink } from '../../../src/exporter/otlp/shrink.js';
import { spanBytes } from '../../../src/exporter/otlp/size.js';
import type { ReadableSpan } from '../../../src/exporter/otlp/span.js';
import { endedSpans } from '../../support/spans.js';

function spanWith(attributes: Record<string, string>, event: Record<string, string> = {}): ReadableSpan {
  return endedSpans(1, {
    attributes: () => attributes,
    before: (span) => span.addEvent('event', event).setStatus({ code: 2, message: 'x'.repeat(1000) }),
  })[0] as ReadableSpan;
}

test('the longest texts pay, on the span and on its events, and what was cut is counted', () => {
  const span = spanWith(
    { short: 'stays', middle: 'm'.repeat(5000), long: 'l'.repeat(100_000) },
    { body: 'b'.repeat(100_000) },
  );
  const cut = shrink(span, 150_000);
  assert.ok(cut);
  assert.ok(spanBytes(span) - spanBytes(cut.span) >= 150_000);
  assert.equal(cut.span.attributes.short, 'stays');
  assert.equal(cut.span.attributes.middle, span.attributes.middle);
  const [long, body] = [cut.span.attributes.long, cut.span.events[0]?.attributes?.body].map(String);
  assert.ok(Math.abs((long as string).length - (body as string).length) < 100);
  assert.match(long as string, /^l+…$/);
  assert.equal(cut.span.attributes['runtrace.truncated_bytes'], cut.cutBytes);
  assert.equal(span.attributes.long, 'l'.repeat(100_000));
});

test('identity, status, times and what runtrace says of attempts are never cut', () => {
  const span = spanWith(
    { 'runtrace.step.attempt_codes': 'x'.repeat(10_000) },
    { 'runtrace.attempt.status': 'y'.repeat(10_000) },
  );
  assert.equal(shrink(span, 1000), undefined);
  const cut = shrink(spanWith({ text: 'x'.repeat(10_000) }), 5000)?.span as ReadableSpan;
  for (const key of [
    'name',
    'kind',
    'startTime',
    'endTime',
    'status',
    'resource',
    'links',
    'droppedEventsCount',
  ] as const) {
    assert.ok(cut[key] !== undefined, key);
  }
  assert.match(cut.spanContext().spanId, /^[0-9a-f]{16}$/);
});

test('JSON stays JSON: the longest strings in it are cut', () => {
  const messages = [
    { role: 'user', parts: [{ type: 'text', content: 'short "question"' }] },
    { role: 'assistant', parts: [{ type: 'text', content: 'long "answer"\n'.repeat(10_000) }] },
  ];
  const cut = shrink(spanWith({ messages: JSON.stringify(messages) }), 150_000);
  const kept = JSON.parse(String(cut?.span.attributes.messages));
  assert.deepEqual(kept[0], messages[0]);
  assert.equal(kept[1].role, 'assistant');
  assert.match(kept[1].parts[0].content, /…$/);
});

test('a list loses its end, on the span and on its links', () => {
  const [span] = endedSpans(1, {
    attributes: () => ({ codes: Array.from({ length: 50_000 }, (_, i) => i), texts: ['first', 'x'.repeat(1_000_000)] }),
    before: (it) => it.addLink({ context: it.spanContext(), attributes: { text: 'y'.repeat(1_000_000) } }),
  }) as [ReadableSpan];
  const cut = shrink(span, spanBytes(span) - 50_000)?.span as ReadableSpan;
  assert.ok(spanBytes(cut) <= 50_000);
  assert.deepEqual((cut.attributes.codes as number[]).slice(0, 3), [0, 1, 2]);
  const [first, second, ...rest] = cut.attributes.texts as string[];
  assert.equal(first, 'first');
  assert.match(second as string, /^x{1000,}…$/);
  assert.deepEqual(rest, []);
  assert.match(String(cut.links[0]?.attributes?.text), /^y+…$/);
  assert.equal(cut.links[0]?.context.spanId, span.spanContext().spanId);
});

test('JSON of many small pieces becomes a JSON string with its beginning', () => {
  const cut = shrink(spanWith({ list: JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i)) }), 100_000);
  assert.match(JSON.parse(String(cut?.span.attributes.list)), /^\[0,1,2,.*…$/);
});

test('for any texts, the span gets as small as it was told to, well formed, with JSON that parses', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', minLength: 300, maxLength: 3000 }),
    fc.json({ maxDepth: 3 }).map((json) => JSON.stringify([json, json, json])),
    fc
      .string({ unit: 'grapheme', minLength: 300, maxLength: 3000 })
      .map((value) => JSON.stringify({ value, more: [value, 1] })),
  );
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), text, { minKeys: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attributes, share) => {
        const span = spanWith(attributes);
        const cuttable = Math.max(0, spanBytes(span) - spanBytes(spanWith({})) - 500 * Object.keys(attributes).length);
        const excess = Math.floor(cuttable * share);
        if (excess < 1) return;
        const cut = shrink(span, excess);
        assert.ok(cut);
        assert.ok(
          spanBytes(span) - spanBytes(cut.span) >= excess,
          `${spanBytes(span) - spanBytes(cut.span)} < ${excess}`,
        );
        for (const [key, value] of Object.entries(attributes)) {
          const kept = String(cut.span.attributes[key]);
          if (isJson(value)) assert.ok(isJson(kept), kept);
          if (isWellFormed(value)) assert.ok(isWellFormed(kept), kept);
        }
      },
    ),
  );
});

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
