import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import fc from 'fast-check';
import { encodeRequest } from '../../../src/exporter/otlp/json.js';
import { decodeRequest } from '../../../src/exporter/otlp/json-reader.js';
import type { ReadableSpan } from '../../../src/exporter/otlp/span.js';
import { parseOtlpJson, startOtlpReceiver } from '../../support/otlp-receiver.js';
import { endedSpans } from '../../support/spans.js';

const attributeValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.uint8Array(),
    fc.constant(null),
    fc.array(tie('value')),
    fc.dictionary(fc.string({ minLength: 1 }), tie('value')),
  ),
})).value;
const attributes = fc.dictionary(fc.string({ minLength: 1 }), attributeValue) as fc.Arbitrary<
  ReadableSpan['attributes']
>;
const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
    .filter((id) => /[^0]/.test(id));
const spanContext = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceFlags: fc.constantFrom(0, 1),
  isRemote: fc.boolean(),
});
const time = fc.tuple(fc.integer({ min: 1, max: 2e9 }), fc.integer({ min: 0, max: 999_999_999 }));
const span: fc.Arbitrary<ReadableSpan> = fc
  .record({
    context: spanContext,
    parentSpanContext: fc.option(spanContext, { nil: undefined }),
    name: fc.string({ minLength: 1 }),
    kind: fc.integer({ min: 0, max: 4 }),
    startTime: time,
    duration: fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 999_999_999 })),
    attributes,
    events: fc.array(fc.record({ name: fc.string({ minLength: 1 }), attributes }), { maxLength: 3 }),
    links: fc.array(fc.record({ context: spanContext, attributes }), { maxLength: 3 }),
    status: fc.record({ code: fc.constantFrom(0, 1, 2), message: fc.string() }),
    droppedEventsCount: fc.nat(),
  })
  .map(({ context, duration, startTime, events, ...rest }) => {
    const nanos = startTime[1] + duration[1];
    return {
      ...rest,
      startTime,
      duration,
      endTime: [startTime[0] + duration[0] + Math.floor(nanos / 1e9), nanos % 1e9],
      events: events.map((event) => ({ ...event, time: startTime })),
      spanContext: () => context,
      ended: true,
      resource: { attributes: { 'service.name': 'test' } },
      instrumentationScope: { name: 'test', version: '1' },
      droppedAttributesCount: 0,
      droppedLinksCount: 0,
    } as unknown as ReadableSpan;
  });

test('for any span, the request is valid, and reading it and writing it again changes nothing', () => {
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 4 }), (spans) => {
      const written = encodeRequest(spans);
      assert.deepEqual(parseOtlpJson(written).violations, []);
      assert.equal(parseOtlpJson(written).spans.length, spans.length);
      assert.equal(encodeRequest(decodeRequest(written)), written);
    }),
  );
});

test('our JSON says what the stock exporter says, and what was read back can be sent by it', async (t) => {
  const receiver = await startOtlpReceiver({ requireGzip: false });
  t.after(receiver.close);
  const spans = endedSpans(3, {
    attributes: () => ({ text: 'é"\\\n', integer: -3, double: 0.5, yes: true, list: ['a', 'b'], none: [] }),
    before: (it) =>
      it.addEvent('event', { n: 1 }).addLink({ context: it.spanContext() }).setStatus({ code: 2, message: 'no' }),
  });
  const exporter = new OTLPTraceExporter({ url: receiver.url });
  for (const batch of [spans, decodeRequest(encodeRequest(spans))]) {
    await new Promise((resolve) => exporter.export(batch, resolve));
  }
  const [sent, sentAgain] = [receiver.spans().slice(0, 3), receiver.spans().slice(3)];
  assert.deepEqual(sent, parseOtlpJson(encodeRequest(spans)).spans);
  assert.deepEqual(sentAgain, sent);
  assert.deepEqual(receiver.violations, []);
  await exporter.shutdown();
});

test('spans of two resources and two scopes stay apart', () => {
  const [first, second] = [endedSpans(1)[0], endedSpans(1)[0]] as [ReadableSpan, ReadableSpan];
  const other = { ...second, spanContext: second.spanContext, instrumentationScope: { name: 'other' } } as ReadableSpan;
  const { spans } = parseOtlpJson(encodeRequest([first, second, other]));
  assert.deepEqual(spans.map(({ scope }) => scope).sort(), ['other', 'test', 'test']);
  assert.equal(JSON.parse(encodeRequest([first, second, other])).resourceSpans.length, 2);
});

test('integers that 64 bits cannot hold go out as doubles, not as something that a receiver refuses', () => {
  const [written] = endedSpans(1, {
    attributes: () => ({ big: 1e300, nan: Number.NaN, endless: Number.NEGATIVE_INFINITY }),
  });
  const { spans, violations } = parseOtlpJson(encodeRequest([written as ReadableSpan]));
  assert.deepEqual(violations, []);
  assert.deepEqual(spans[0]?.attributes, { big: 1e300, nan: Number.NaN, endless: Number.NEGATIVE_INFINITY });
});

test('what is no request is refused', () => {
  for (const text of ['', '{', 'null', '[]', '{}', '{"resourceSpans":1}']) {
    assert.throws(() => decodeRequest(text), SyntaxError, text);
  }
});
