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
