/** What the viewer answers to input that is meant to hurt it, a row each. After each of them it still takes a run. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { postJson, startViewerOfBlock, type ViewerProcess } from '../support/viewer.js';
import { newSpanId, newTraceId, request, runSpan, span } from './otlp.js';

interface Row {
  readonly input: string;
  send(viewer: ViewerProcess): Promise<Response>;
  readonly status: number;
  /** What the answer says. */
  readonly says?: RegExp;
  /** How many of its spans are in the list afterwards. */
  readonly runs?: number;
  check?(viewer: ViewerProcess): Promise<void>;
}

const MB = 1024 * 1024;
const json = (body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>) => (viewer: ViewerProcess) =>
  postJson(viewer.origin, body, headers);
const spans = (...list: object[]) => json(JSON.stringify(request(...list)));
const protobuf = { 'content-type': 'application/x-protobuf' };

const good = runSpan();
const odd = (change: object) => ({ ...runSpan(), ...change });
const huge = runSpan({ attributes: { big: 'x'.repeat(10 * MB) } });
const circle = (() => {
  const traceId = newTraceId();
  const [a, b] = [newSpanId(), newSpanId()];
  return [
    runSpan({ traceId, spanId: a, parentSpanId: b }),
    runSpan({ traceId, spanId: b, parentSpanId: a }),
    span({ traceId, spanId: newSpanId(), parentSpanId: b }),
  ];
})();
const own = runSpan();
const ownParent = { ...own, parentSpanId: own.spanId };
const orphan = runSpan({ parentSpanId: newSpanId() });
const endless = runSpan({ end: 0 });
const reversed = runSpan({ start: 1_750_000_001_000, end: 1_750_000_000_000 });
const disguised = runSpan({ name: '\u001b[2J\u0007<script>alert(1)</script>', attributes: { __proto__x: 'a' } });
const deepJson = `{"resourceSpans":${'['.repeat(100_000)}`;
const deepValue = { ...runSpan(), attributes: [{ key: 'deep', value: nested(1000) }, ...runSpan().attributes] };
const chain = (() => {
  const traceId = newTraceId();
  const list = [runSpan({ traceId })];
  for (let i = 0; i < 5000; i++) list.push(span({ traceId, parentSpanId: list.at(-1)?.spanId as string }));
  return list;
})();

function nested(levels: number): object {
  let value: object = { stringValue: 'bottom' };
  for (let i = 0; i < levels; i++) value = { arrayValue: { values: [value] } };
  return value;
}

const ROWS: Row[] = [
  { input: 'a body of 100 MB', send: json(new Uint8Array(100 * MB)), status: 413, says: /20 MiB/ },
  {
    input: 'gzip that unpacks to 100 MB',
    send: json(gzipSync(new Uint8Array(100 * MB)), { 'content-encoding': 'gzip' }),
    status: 413,
    says: /20 MiB/,
  },
  {
    input: 'gzip that is cut off',
    send: json(gzipSync('{"resourceSpans":[]}').subarray(0, 20), { 'content-encoding': 'gzip' }),
    status: 400,
    says: /no gzip/,
  },
  {
    input: 'an encoding that is not read',
    send: json('{}', { 'content-encoding': 'br' }),
    status: 415,
    says: /gzip or none/,
  },
  {
    input: 'text/plain',
    send: json(JSON.stringify(request(runSpan())), { 'content-type': 'text/plain' }),
    status: 415,
    says: /application\/json/,
  },
  { input: 'a form', send: json('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), status: 415 },
  { input: 'broken JSON', send: json('{"resourceSpans":[{'), status: 400, says: /not JSON/ },
  { input: 'JSON nested 100 000 levels', send: json(deepJson), status: 400, says: /not JSON/ },
  { input: 'JSON that is no request', send: json('[1,2]'), status: 400, says: /no resourceSpans/ },
  { input: 'an empty body', send: json(''), status: 400 },
  {
    input: 'bytes that are no Protobuf',
    send: json(Buffer.from('ffffffffffffffffffffff', 'hex'), protobuf),
    status: 400,
    says: /not an OTLP trace request/,
  },
  { input: 'Protobuf that is cut off', send: json(Buffer.from('0a7f0102', 'hex'), protobuf), status: 400 },
  {
    input: 'spans that are no objects',
    send: json(JSON.stringify(request(null as never, 1 as never, 'x' as never, [] as never, good))),
    status: 200,
    says: /"rejectedSpans":"4"/,
    runs: 1,
  },
  {
    input: 'fields of the wrong type',
    send: spans(
      odd({ name: 5 }),
      odd({ attributes: 'x' }),
      odd({ events: {} }),
      odd({ attributes: [{ key: 1 }] }),
      odd({ startTimeUnixNano: 'soon' }),
      odd({ traceId: 5 }),
      runSpan(),
    ),
    status: 200,
    says: /"rejectedSpans":"6"/,
    runs: 1,
  },
  {
    input: 'groups of the wrong type',
    send: json(
      JSON.stringify({
        resourceSpans: [null, 5, { scopeSpans: 'x' }, { scopeSpans: [null] }, ...request(runSpan()).resourceSpans],
      }),
    ),
    status: 200,
    runs: 1,
  },
  {
    input: 'ids that are zero, too short or no hex',
    send: spans(odd({ traceId: '0'.repeat(32) }), odd({ spanId: 'ab' }), odd({ traceId: 'g'.repeat(32) })),
    status: 200,
    says: /"rejectedSpans":"3"/,
    runs: 0,
  },
  {
    input: 'a circle of parents',
    send: spans(...circle),
    status: 200,
    runs: 1,
    check: async (viewer) => assert.equal((await viewer.detail(circle[0]?.traceId as string)).spans.length, 3),
  },
  {
    input: 'a span that is its own parent',
    send: spans(ownParent),
    status: 200,
    runs: 1,
    check: async (viewer) => assert.equal((await viewer.detail(own.traceId)).spans.length, 1),
  },
  {
    input: 'a parent that never arrives',
    send: spans(orphan),
    status: 200,
    runs: 1,
    check: async (viewer) => assert.equal((await viewer.detail(orphan.traceId)).spans[0]?.depth, 0),
  },
  {
    input: 'a chain of 5000 parents',
    send: spans(...chain),
    status: 200,
    runs: 1,
    check: async (viewer) => assert.equal((await viewer.detail(chain[0]?.traceId as string)).spans.at(-1)?.depth, 5000),
  },
  {
    input: 'times before 1970',
    send: spans(odd({ startTimeUnixNano: '-1000000000', endTimeUnixNano: '-1' })),
    status: 200,
    runs: 1,
  },
  {
    input: 'an end before the start',
    send: spans(reversed),
    status: 200,
    runs: 1,
    check: async (viewer) => {
      assert.equal((await viewer.runs()).runs.find(({ traceId }) => traceId === reversed.traceId)?.durationMillis, 0);
      const [node] = (await viewer.detail(reversed.traceId)).spans;
      assert.equal(node?.endMillis, node?.startMillis);
    },
  },
  {
    input: 'no end',
    send: spans(endless),
    status: 200,
    runs: 1,
    check: async (viewer) => {
      const { row, spans } = await viewer.detail(endless.traceId);
      assert.deepEqual([row.status, row.live, row.durationMillis], ['completed', false, undefined]);
      assert.deepEqual([spans[0]?.status, spans[0]?.endMillis], ['completed', undefined]);
    },
  },
  {
    input: 'times that no clock has',
    send: spans(odd({ startTimeUnixNano: '99999999999999999999' }), odd({ startTimeUnixNano: 1e300 })),
    status: 200,
    says: /"rejectedSpans":"1"/,
    runs: 1,
  },
  {
    input: 'an attribute of 10 MB',
    send: spans(huge),
    status: 200,
    runs: 1,
    check: async (viewer) => {
      const [node] = (await viewer.detail(huge.traceId)).spans;
      assert.deepEqual(node?.cut, { big: 10 * MB });
      assert.ok(String(node?.attributes.big).length < MB);
    },
  },
  { input: 'a value nested 1000 levels', send: spans(deepValue), status: 200, runs: 1 },
  {
    input: 'escape sequences and markup',
    send: spans(disguised),
    status: 200,
    runs: 1,
    // They are data: the page shows them as text.
    check: async (viewer) => assert.equal((await viewer.detail(disguised.traceId)).spans[0]?.name, disguised.name),
  },
  {
    input: 'the name of a prototype as an attribute',
    send: json(JSON.stringify(request(runSpan())).replace('"runtrace.run.id"', '"__proto__"')),
    status: 200,
    runs: 1,
  },
];

const NEVER_ENDS = 'a body that never ends';
const MILLION = 'a million spans of one run';

describe('hostile input gets a clear answer, and all other input is still processed:', () => {
  let viewer: ViewerProcess;
  startViewerOfBlock((started) => {
    viewer = started;
  });

  const count = async () => (await viewer.runs()).runs.length;

  for (const { input, send, status, says, runs, check } of ROWS) {
    test(input, async () => {
      const before = await count();
      const response = await send(viewer);
      const text = await response.text();
      assert.equal(response.status, status, text);
      if (says) assert.match(text, says);
      if (runs !== undefined) assert.equal((await count()) - before, runs);
      await check?.(viewer);
      const next = runSpan();
      assert.equal((await viewer.post(request(next))).status, 200);
      assert.equal((await viewer.detail(next.traceId)).row.status, 'completed');
    });
  }

  test('docs/view.md has the same rows and answers', () => {
    const rows = [...readFileSync('docs/view.md', 'utf8').matchAll(/^\| (.+) \| (\d{3}|none)(?:; .+)? \|$/gm)];
    const documented = rows.map(([, input, answer]) => `${input}: ${answer}`);
    const tested = ROWS.map(({ input, status }) => `${input}: ${status}`);
    assert.deepEqual(documented, [...tested, `${NEVER_ENDS}: none`, `${MILLION}: 200`]);
  });

  test(NEVER_ENDS, async () => {
    const { port } = new URL(viewer.origin);
    const headers = { 'content-type': 'application/json', 'content-length': '1000' };
    const slow = httpRequest({ port, host: '127.0.0.1', path: '/v1/traces', method: 'POST', headers });
    slow.on('error', () => undefined);
    slow.write('{"resource');
    assert.equal((await viewer.post(request(runSpan()))).status, 200);
    slow.destroy();
  });

  test(MILLION, { timeout: 100_000 }, async () => {
    const run = runSpan();
    const ids = `"traceId":"${run.traceId}","parentSpanId":"${run.spanId}","startTimeUnixNano":"1750000000000000000"`;
    for (let first = 1; first <= 1_000_000; first += 50_000) {
      const list = Array.from(
        { length: 50_000 },
        (_, i) => `{${ids},"spanId":"${(first + i).toString(16).padStart(16, '0')}"}`,
      );
      const response = await viewer.post(`{"resourceSpans":[{"scopeSpans":[{"spans":[${list.join()}]}]}]}`);
      assert.equal(response.status, 200);
    }
    await viewer.post(request(run));
    const { spans: shown, omittedSpans = 0, row } = await viewer.detail(run.traceId);
    assert.equal(row.status, 'completed');
    assert.equal(shown.length + omittedSpans, 1_000_001);
    assert.equal(shown[0]?.kind, 'run');
  });
});
