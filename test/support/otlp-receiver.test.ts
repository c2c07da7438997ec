import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseOtlpJson, startOtlpReceiver } from './otlp-receiver.js';

const span = () => ({
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  name: 'chat gpt-5',
  kind: 3,
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712661000000000',
  attributes: [{ key: 'tokens', value: { intValue: '42' } }],
  events: [{ timeUnixNano: '1544712660500000000', name: 'event' }],
  status: { code: 1 },
});
const request = (...spans: object[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

test('a request as the specification has it is taken', () => {
  const { spans, violations } = parseOtlpJson(JSON.stringify(request(span())));
  assert.deepEqual(violations, []);
  assert.equal(spans[0]?.attributes.tokens, 42);
  assert.equal(spans[0]?.events[0]?.timeUnixNano, 1544712660500000000n);
});

test('everything that is wrong is a violation', () => {
  const wrong: [object, RegExp][] = [
    [{ ...span(), traceId: 'W47/95gDgQPSabYzgT/GDA==' }, /traceId is .* not 32 hex digits/],
    [{ ...span(), spanId: '0000000000000000' }, /spanId/],
    [{ ...span(), spanId: 'EEE19B7EC3C1B174' }, /spanId/],
    [{ ...span(), name: undefined }, /has no name/],
    [{ ...span(), kind: 'SPAN_KIND_CLIENT' }, /kind/],
    [{ ...span(), kind: 6 }, /kind/],
    [{ ...span(), startTimeUnixNano: 1544712660000000000 }, /nanoseconds as a string/],
    [{ ...span(), endTimeUnixNano: '1544712659000000000' }, /ends before it starts/],
    [{ ...span(), events: [{ timeUnixNano: '1544712661000000001', name: 'late' }] }, /late is 1 ns after the end/],
    [{ ...span(), events: [{ timeUnixNano: '1544712659999999999', name: 'early' }] }, /early is 1 ns before the start/],
    [{ ...span(), events: [{ timeUnixNano: '1544712660500000000' }] }, /has no name/],
    [{ ...span(), status: { code: 'STATUS_CODE_OK' } }, /status\.code/],
    [{ ...span(), attributes: { tokens: 42 } }, /not an array/],
    [{ ...span(), attributes: [{ key: 'a', value: 'text' }] }, /not an object/],
    [{ ...span(), attributes: [{ key: 'a', value: { intValue: 1.5 } }] }, /64-bit integer/],
    [{ ...span(), attributes: [{ key: 'a', value: { intValue: '9223372036854775808' } }] }, /64-bit integer/],
    [{ ...span(), attributes: [{ key: 'a', value: { doubleValue: null } }] }, /a double/],
    [{ ...span(), attributes: [{ key: 'a', value: { stringValue: 'x', boolValue: true } }] }, /at once/],
    [
      {
        ...span(),
        attributes: [
          { key: 'a', value: {} },
          { key: 'a', value: {} },
        ],
      },
      /has a twice/,
    ],
    [{ ...span(), links: [{ traceId: '5b8efff798038103d269b633813fc60c' }] }, /links to nothing/],
    [{ ...span(), duration: 5 }, /unknown field duration/],
  ];
  for (const [broken, message] of wrong) {
    const { violations } = parseOtlpJson(JSON.stringify(request(broken)));
    assert.match(violations.join('\n'), message, JSON.stringify(broken));
  }
  for (const text of ['', '[]', 'null', '{"resourceSpans":{}}', '{"spans":[]}']) {
    assert.notEqual(parseOtlpJson(text).violations.length, 0, text);
  }
});

test('a request that is not what it says it is, or not where it should be, is answered with 400', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const body = gzipSync(JSON.stringify(request(span())));
  const good = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const send = async (url: string, headers: Record<string, string>, what: BodyInit) =>
    (await fetch(url, { method: 'POST', headers, body: what })).status;
  assert.equal(await send(receiver.url, good, body), 200);
  assert.deepEqual(receiver.violations, []);
  assert.equal(await send(receiver.url, { ...good, 'content-type': 'text/plain' }, body), 400);
  assert.equal(await send(receiver.url, { 'content-type': 'application/json' }, '{"resourceSpans":[]}'), 400);
  assert.equal(await send(receiver.url, good, 'not gzip'), 400);
  assert.equal(await send(`${receiver.endpoint}/v1/logs`, good, body), 400);
  assert.equal(receiver.spans().length, 1);
});
