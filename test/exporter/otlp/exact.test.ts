import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeRequest } from '../../../src/exporter/otlp/json.js';
import { decodeRequest } from '../../../src/exporter/otlp/json-reader.js';
import { encodeWireRequest } from '../../../src/exporter/otlp/protobuf/exact-protobuf.js';
import { encodeProtobuf } from '../../../src/exporter/otlp/protobuf/protobuf.js';
import { decodeOtlpProtobuf } from '../../support/otlp-protobuf.js';
import { endedSpans } from '../../support/spans.js';

const IDS = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '0102030405060708' };

/** A request with one span that another program might have written. */
function request(attributes: object[], more: object = {}) {
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'n', value: { intValue: '9223372036854775807' } }], droppedAttributesCount: 3 },
        scopeSpans: [
          {
            scope: { name: 'other', version: '2', attributes: [{ key: 'd', value: { doubleValue: 2 } }] },
            spans: [
              {
                ...IDS,
                name: 'span',
                kind: 0,
                startTimeUnixNano: '1700000000000000001',
                endTimeUnixNano: '1700000000000000002',
                attributes,
                ...more,
              },
            ],
            schemaUrl: 'https://example/scope',
          },
        ],
        schemaUrl: 'https://example/resource',
      },
    ],
  };
}

const values: [string, object][] = [
  ['an integer beyond 2^53', { intValue: '9007199254740993' }],
  ['the smallest integer', { intValue: '-9223372036854775808' }],
  ['the double 1', { doubleValue: 1 }],
  ['the double 0', { doubleValue: 0 }],
  ['a double that needs all its digits', { doubleValue: 0.1 + 0.2 }],
  ['NaN', { doubleValue: 'NaN' }],
  ['bytes', { bytesValue: 'AAEC/w==' }],
  ['no value', {}],
  ['an empty text', { stringValue: '' }],
  ['false', { boolValue: false }],
  ['a list of mixed numbers', { arrayValue: { values: [{ intValue: '1' }, { doubleValue: 1 }, {}] } }],
  [
    'a map whose keys look like numbers',
    {
      kvlistValue: {
        values: [
          { key: '2', value: { doubleValue: 2 } },
          { key: '1', value: {} },
        ],
      },
    },
  ],
];
for (const [kind, value] of values) {
  test(`${kind} that another program wrote is written again unchanged, in JSON and in Protobuf`, async () => {
    const original = request([{ key: 'a', value }]);
    const spans = decodeRequest(JSON.stringify(original));
    assert.deepEqual(JSON.parse(encodeRequest(spans)), original);
    const sent = decodeOtlpProtobuf(await encodeProtobuf(spans)) as typeof original;
    const [span] = sent.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    assert.deepEqual(span?.attributes, [{ key: 'a', value }]);
    assert.equal(span?.startTimeUnixNano, '1700000000000000001');
    assert.deepEqual(sent.resourceSpans[0]?.scopeSpans[0]?.scope, original.resourceSpans[0]?.scopeSpans[0]?.scope);
    assert.deepEqual(sent.resourceSpans[0]?.resource, original.resourceSpans[0]?.resource);
  });
}

test('integers and times that are not in quotes keep all their digits', () => {
  const text = JSON.stringify(request([{ key: 'a', value: { intValue: 1 } }]))
    .replace('"intValue":1}', '"intValue" : 9007199254740993 }')
    .replace('"1700000000000000001"', '1700000000000000001');
  const written = encodeRequest(decodeRequest(text));
  assert.ok(written.includes('9007199254740993') && written.includes('1700000000000000001'), written);
});

test('any number of JSON is written again as it was, and is the nearest double in Protobuf', async () => {
  const digits = fc.stringMatching(/^\d{1,25}$/);
  const number = fc
    .tuple(
      fc.boolean(),
      fc.stringMatching(/^(0|[1-9]\d{0,25})$/),
      fc.option(digits),
      fc.option(fc.stringMatching(/^[eE][+-]?\d{1,3}$/)),
    )
    .map(
      ([minus, whole, fraction, exponent]) =>
        `${minus ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}${exponent ?? ''}`,
    );
  await fc.assert(
    fc.asyncProperty(number, fc.string({ minLength: 1 }), async (token, text) => {
      const written = JSON.stringify(request([{ key: text, value: { doubleValue: 0.5 } }])).replace('0.5', token);
      const spans = decodeRequest(written);
      assert.ok(encodeRequest(spans).includes(`"doubleValue":${token}`));
      const sent = decodeOtlpProtobuf(await encodeProtobuf(spans)) as ReturnType<typeof request>;
      const value = Number(token);
      assert.deepStrictEqual(sent.resourceSpans[0]?.scopeSpans[0]?.spans[0]?.attributes, [
        { key: Buffer.from(text).toString(), value: { doubleValue: Number.isFinite(value) ? value : String(value) } },
      ]);
    }),
    { numRuns: 300 },
  );
});

test('a text that looks like such an integer is not touched', () => {
  const text = '{"intValue":12345678901234567890}';
  const spans = decodeRequest(JSON.stringify(request([{ key: 'a', value: { stringValue: text } }])));
  assert.equal(spans[0]?.attributes.a, text);
  assert.equal(
    JSON.parse(encodeRequest(spans)).resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.stringValue,
    text,
  );
});

test('fields that runtrace does not know, attributes that are there twice, and absent ones stay as they are in JSON', () => {
  const original = request(
    [
      { key: 'a', value: { intValue: '1' } },
      { key: 'a', value: { intValue: '2' } },
    ],
    {
      future: { field: [1] },
      flags: 257,
      status: { code: 'STATUS_CODE_ERROR' },
      links: [{ ...IDS, traceState: 'a=b', flags: 769, attributes: [] }],
    },
  );
  assert.deepEqual(JSON.parse(encodeRequest(decodeRequest(JSON.stringify(original)))), original);
});

test('kinds and status codes by name are numbers in Protobuf', async () => {
  const original = request([], { kind: 'SPAN_KIND_CLIENT', status: { code: 'STATUS_CODE_ERROR', message: 'no' } });
  const sent = decodeOtlpProtobuf(await encodeProtobuf(decodeRequest(JSON.stringify(original)))) as never as {
    resourceSpans: { scopeSpans: { spans: { kind: number; status: object }[] }[] }[];
  };
  const span = sent.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  assert.deepEqual([span?.kind, span?.status], [3, { code: 2, message: 'no' }]);
});

test("our Protobuf says what OpenTelemetry's serializer says", async () => {
  const spans = endedSpans(3, {
    attributes: (i) => ({ text: 'é"\\\n…', integer: -3 * i, double: 0.5, yes: true, list: ['a', 'b'], none: [] }),
    before: (span) =>
      span.addEvent('event', { n: 1 }).addLink({ context: span.spanContext() }).setStatus({ code: 2, message: 'no' }),
  });
  const stock = decodeOtlpProtobuf(await encodeProtobuf(spans));
  const ours = decodeOtlpProtobuf(encodeWireRequest(JSON.parse(encodeRequest(spans))));
  assert.deepEqual(withoutDefaults(ours), withoutDefaults(stock));
});

test('for any numbers of a span, Protobuf and JSON say the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.double(), fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))),
      async (numbers) => {
        const [span] = endedSpans(1);
        const attributes = { ...numbers.map((number) => (Object.is(number, -0) ? 0 : number)) };
        const spans = [{ ...span, spanContext: () => span?.spanContext(), attributes }] as never;
        const json = JSON.parse(encodeRequest(spans));
        assert.deepEqual(withoutDefaults(decodeOtlpProtobuf(await encodeProtobuf(spans))), withoutDefaults(json));
      },
    ),
    { numRuns: 200 },
  );
});

/** Protobuf has no difference between a field that is absent and one that has its default. */
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withoutDefaults(item)] as const);
  const isDefault = ([key, item]: readonly [string, unknown]) =>
    (item === 0 && key !== 'doubleValue') || item === undefined || (Array.isArray(item) && item.length === 0);
  return Object.fromEntries(entries.filter((entry) => !isDefault(entry)));
}
