import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRequest } from '../../src/exporter/otlp/json.js';
import { startBackend, withEnvironment } from '../exporter/sender/backend.js';
import { startOtlpReceiver } from '../support/otlp-receiver.js';
import { endedSpans, namesOf } from '../support/spans.js';
import { fileWith, runtrace } from './runtrace.js';

test('replay sends every span of every file to the endpoint', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const lines = Array.from({ length: 30 }, () => `${encodeRequest(endedSpans(20))}\n`);
  const { code, out, err } = await runtrace(
    'replay',
    '--url',
    receiver.url,
    '--header',
    'x-key=a=b',
    fileWith(t, lines.join('')),
    fileWith(t, lines[0] as string),
  );
  assert.deepEqual([code, out, err], [0, 'Sent 620 spans.\n', '']);
  assert.equal(receiver.spans().length, 620);
  assert.equal(new Set(namesOf(receiver.spans())).size, 20);
  assert.deepEqual(receiver.violations, []);
  assert.equal(receiver.requests[0]?.headers['x-key'], 'a=b');
});

test('replay stops where the endpoint takes no more, says where, and ends with 1', async (t) => {
  const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'status', status: 401 }) });
  t.after(receiver.close);
  const { code, out, err } = await runtrace(
    'replay',
    '--url',
    receiver.url,
    fileWith(t, `${encodeRequest(endedSpans(20))}\n`),
  );
  assert.equal(code, 1);
  assert.equal(out, 'Sent 0 spans.\n');
  assert.match(err, /the endpoint did not accept 20 spans/);
});

test('replay sends what can be read of a torn file, and ends with 1', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const { code, out, err } = await runtrace(
    'replay',
    '--url',
    receiver.url,
    fileWith(t, `${encodeRequest(endedSpans(2))}\n{"resou`),
  );
  assert.deepEqual([code, out], [1, 'Sent 2 spans.\n']);
  assert.match(err, /traces\.jsonl:2: /);
});

test('replay sends a line that is larger than what may be held in memory', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const spans = endedSpans(70, { attributes: () => ({ text: 'x'.repeat(1_000_000) }) });
  const { code, out } = await runtrace('replay', '--url', receiver.url, fileWith(t, encodeRequest(spans)));
  assert.deepEqual([code, out], [0, 'Sent 70 spans.\n']);
  assert.equal(receiver.spans().length, 70);
});

test('replay with a header that has no value is wrong use', async (t) => {
  const { code, err } = await runtrace('replay', '--header', 'x-key', fileWith(t, ''));
  assert.equal(code, 2);
  assert.match(err, /--header must be NAME=VALUE/);
  assert.doesNotMatch(err, /x-key/);
});

test('replay to an endpoint that is none is wrong use', async (t) => {
  const { code, err } = await runtrace('replay', '--url', 'localhost:4318', fileWith(t, ''));
  assert.equal(code, 2);
  assert.match(err, /url must be an http or https URL/);
});

test('replay sends numbers as they are in the file, digit by digit', async (t) => {
  const values = [{ intValue: '9007199254740993' }, { doubleValue: 1 }];
  const span = {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '0102030405060708',
    name: 'foreign',
    kind: 3,
    startTimeUnixNano: '1700000000000000001',
    endTimeUnixNano: '1700000000000000003',
    attributes: values.map((value, i) => ({ key: `v${i}`, value })),
  };
  const file = fileWith(
    t,
    JSON.stringify({ resourceSpans: [{ scopeSpans: [{ scope: { name: 's' }, spans: [span] }] }] }),
  );
  for (const protocol of ['http/protobuf', 'http/json'] as const) {
    const backend = await startBackend(t, (response) => void response.end());
    withEnvironment(t, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_SDK_DISABLED: 'true' });
    const { code } = await runtrace('replay', '--url', backend.url, file);
    assert.equal(code, 0);
    const [sent] = backend.requests[0]?.body.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    assert.deepEqual(sent?.attributes, span.attributes, protocol);
  }
});

/** Values as other programs write them, and what Protobuf has for each. */
const WRITTEN: [string, unknown][] = [
  ['{"doubleValue":-0.0}', { doubleValue: -0 }],
  ['{"doubleValue":1.10}', { doubleValue: 1.1 }],
  ['{"doubleValue":1.0}', { doubleValue: 1 }],
  ['{"doubleValue":1E+3}', { doubleValue: 1000 }],
  ['{"doubleValue":1e400}', { doubleValue: 'Infinity' }],
  ['{"doubleValue":0.1000000000000000055511151231257827}', { doubleValue: 0.1 }],
  ['{"doubleValue":"-1.50"}', { doubleValue: -1.5 }],
  ['{"doubleValue":"NaN"}', { doubleValue: 'NaN' }],
  ['{"doubleValue":"-Infinity"}', { doubleValue: '-Infinity' }],
  ['{"intValue":9007199254740993}', { intValue: '9007199254740993' }],
  ['{"intValue":"-9223372036854775808"}', { intValue: '-9223372036854775808' }],
  ['{"intValue":-0}', { intValue: '0' }],
  ['{"intValue":1.20e2}', { intValue: '120' }],
  ['{"intValue":7.0}', { intValue: '7' }],
  ['{"stringValue":"1.10, \\"doubleValue\\":-0.0 \\\\"}', { stringValue: '1.10, "doubleValue":-0.0 \\' }],
  ['{"stringValue":""}', { stringValue: '' }],
  ['{"stringValue":null,"intValue":"5"}', { intValue: '5' }],
  ['{"bytesValue":""}', { bytesValue: '' }],
  ['{"bytesValue":"AAEC/w=="}', { bytesValue: 'AAEC/w==' }],
  [
    '{"arrayValue":{"values":[{"doubleValue":2.50},{},{"boolValue":false}]}}',
    { arrayValue: { values: [{ doubleValue: 2.5 }, {}, { boolValue: false }] } },
  ],
  ['{"arrayValue":{}}', { arrayValue: {} }],
  [
    '{"kvlistValue":{"values":[{"key":"a","value":{"doubleValue":-0.0}},{"key":"a","value":{"intValue":10e0}}]}}',
    {
      kvlistValue: {
        values: [
          { key: 'a', value: { doubleValue: -0 } },
          { key: 'a', value: { intValue: '10' } },
        ],
      },
    },
  ],
  ['{}', {}],
];

test('replay leaves each number, value and unknown field of another program as it is', async (t) => {
  const attributes = WRITTEN.map(([text]) => `{"key":"same","value":${text},"weight":1.50}`).join(',');
  const span =
    '{"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0102030405060708","name":"foreign","kind":3.0,"flags":2.57e2' +
    `,"startTimeUnixNano":1700000000000000001,"endTimeUnixNano":18446744073709551615,"attributes":[${attributes}]` +
    ',"events":[{"timeUnixNano":"1700000000000000002","name":"e","attributes":[{"key":"d","value":{"doubleValue":3.00}}],"new":{"a":1.0}}]' +
    ',"droppedEventsCount":2.0,"links":null,"status":{"code":2.0,"new":-0.0},"__proto__":{"new":1e-0}}';
  const resource = '"resource":{"attributes":[{"key":"d","value":{"doubleValue":4.0}}],"new":[1.0]},"newer":1.10,';
  const scope = '"scope":{"name":"s","attributes":[{"key":"d","value":{"doubleValue":5.0}}]},"newest":[-0.0],';
  const text = `{"top":[2.0],"resourceSpans":[{${resource}"scopeSpans":[{${scope}"spans":[${span}]}]}]}`;
  const file = fileWith(t, `${text}\n`);
  const sentAs = async (protocol: string) => {
    const backend = await startBackend(t, (response) => void response.end());
    withEnvironment(t, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_SDK_DISABLED: 'true' });
    assert.equal((await runtrace('replay', '--url', backend.url, file)).code, 0);
    return backend.requests[0];
  };
  assert.equal((await sentAs('http/json'))?.content.toString(), text);
  const [sent] = (await sentAs('http/protobuf'))?.body.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
  assert.deepStrictEqual(
    sent?.attributes,
    WRITTEN.map(([, value]) => ({ key: 'same', value })),
  );
  const { startTimeUnixNano, endTimeUnixNano, kind, flags, status } = sent as unknown as Record<string, unknown>;
  assert.deepEqual(
    [startTimeUnixNano, endTimeUnixNano, kind, flags, status],
    ['1700000000000000001', '18446744073709551615', 3, 257, { code: 2 }],
  );
});

test('replay says which number no receiver can read, and sends the rest', async (t) => {
  const line = (value: string) =>
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"n","attributes":[{"key":"k","value":${value}}]}]}]}]}`;
  const backend = await startBackend(t, (response) => void response.end());
  const values = [
    '{"intValue":1.5}',
    '{"intValue":"0x10"}',
    '{"doubleValue":"one"}',
    '{"intValue":1}',
    '{"doubleValue":01}',
  ];
  const { code, out, err } = await runtrace('replay', '--url', backend.url, fileWith(t, values.map(line).join('\n')));
  assert.deepEqual([code, out], [1, 'Sent 1 spans.\n']);
  for (const number of [1, 2, 3, 5]) assert.match(err, new RegExp(`traces\\.jsonl:${number}: `));
});

test('replay cuts the longest text of a span that is too large, and leaves its other values', async (t) => {
  const attributes =
    '{"key":"d","value":{"doubleValue":1.10}},{"key":"list","value":{"arrayValue":{"values":[{"doubleValue":2.0}]}}}';
  const line = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","attributes":[${attributes},{"key":"long","value":{"stringValue":"${'x'.repeat(6_000_000)}"}}],"new":3.0}]}]}]}`;
  const backend = await startBackend(t, (response) => void response.end());
  withEnvironment(t, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_SDK_DISABLED: 'true' });
  const { code } = await runtrace('replay', '--url', backend.url, fileWith(t, line));
  const sent = backend.requests[0]?.content.toString() ?? '';
  assert.equal(code, 0);
  assert.ok(sent.length < 6_000_000 && sent.includes(attributes) && sent.includes('"new":3.0'), sent.slice(0, 500));
});

test('replay goes on after a partial success, and ends with 1', async (t) => {
  const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'partial', rejected: 1 }) });
  t.after(receiver.close);
  const spans = endedSpans(300, { attributes: () => ({ text: 'x'.repeat(100_000) }) });
  const { code, err } = await runtrace('replay', '--url', receiver.url, fileWith(t, encodeRequest(spans)));
  assert.equal(code, 1);
  assert.match(err, /the endpoint did not accept \d+ spans/);
  assert.doesNotMatch(err, /stopped at/);
  assert.ok(receiver.requests.length > 20);
});
