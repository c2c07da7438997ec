import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { type TestContext, test } from 'node:test';
import { RuntraceExporter, type RuntraceExporterOptions } from 'runtrace/exporter';
import type { Clock } from '../../../../src/exporter/clock.js';
import { realClock } from '../../../../src/exporter/clock.js';
import { fastClock } from '../../../support/fast-clock.js';
import { endedSpans, namesOf, withUnwritable } from '../../../support/spans.js';
import { until } from '../../../support/until.js';
import { type Backend, type Respond, spanNames, startBackend, warningsOf } from '../backend.js';

interface Fixture {
  backend: Backend;
  exporter: RuntraceExporter;
  warnings: string[];
}

async function fixture(
  t: TestContext,
  respond: Respond,
  options: RuntraceExporterOptions = {},
  clock: Clock = realClock,
): Promise<Fixture> {
  const backend = await startBackend(t, respond);
  const warnings = warningsOf(t);
  // Times that a fast clock on a busy machine does not reach.
  const patient = clock === realClock ? {} : { timeoutMillis: 1_000_000, flushTimeoutMillis: 10_000_000 };
  const exporter = new RuntraceExporter(
    { url: backend.url, shutdownTimeoutMillis: 500, ...patient, ...options },
    clock,
  );
  t.after(() => exporter.shutdown());
  return { backend, exporter, warnings };
}

/** Sends spans, and waits until it is known what became of them. */
async function send(exporter: RuntraceExporter, count = 3): Promise<void> {
  exporter.export(endedSpans(count), () => {});
  await exporter.forceFlush();
}

function outcome(exporter: RuntraceExporter) {
  const { sent, rejected, dropped, held } = exporter.stats();
  return { sent: sent.spans, rejected: rejected.spans, dropped: dropped.spans, held: held.spans };
}

const ok: Respond = (response) => void response.end();
const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Respond =>
  (response) =>
    void response.writeHead(code, headers).end(body);

test('a request is Protobuf with gzip unless something else is asked for', async (t) => {
  const { backend, exporter } = await fixture(t, ok);
  await send(exporter);
  const [request] = backend.requests;
  assert.deepEqual([request?.format, request?.compression], ['protobuf', 'gzip']);
  assert.equal(request?.headers['content-type'], 'application/x-protobuf');
  assert.deepEqual(spanNames(backend.requests), namesOf(endedSpans(3)));
});

test('with the protocol http/json a request is JSON', async (t) => {
  const { backend, exporter } = await fixture(t, ok, { protocol: 'http/json' });
  await send(exporter);
  assert.equal(backend.requests[0]?.format, 'json');
  assert.deepEqual(spanNames(backend.requests), namesOf(endedSpans(3)));
});

for (const code of [429, 502, 503, 504]) {
  test(`${code} is tried again, and every span arrives`, async (t) => {
    const respond: Respond = (response, request, number) =>
      number === 0 ? status(code)(response, request, number) : ok(response, request, number);
    const { backend, exporter } = await fixture(t, respond, {}, fastClock(20));
    await send(exporter);
    assert.equal(backend.requests.length, 2);
    assert.deepEqual(outcome(exporter), { sent: 3, rejected: 0, dropped: 0, held: 0 });
  });
}

for (const code of [301, 302, 307, 308, 401, 403, 404, 408, 500, 501]) {
  test(`${code} is final: the spans are rejected, and reported once`, async (t) => {
    const { backend, exporter, warnings } = await fixture(t, status(code));
    await send(exporter);
    await send(exporter);
    assert.equal(backend.requests.length, 2);
    assert.deepEqual(outcome(exporter), { sent: 0, rejected: 6, dropped: 6, held: 0 });
    assert.equal(warnings.filter((warning) => warning.includes(`HTTP ${code}`)).length, 1);
  });
}

test('a redirect is not followed, and its target is reported without its query and credentials', async (t) => {
  const target = await startBackend(t, ok);
  const location = `${target.url.replace('//', '//user:hunter2@')}?key=hunter3`;
  const { exporter, warnings } = await fixture(t, status(307, { location }));
  await send(exporter);
  assert.equal(target.requests.length, 0);
  assert.match(warnings.join(), /redirected to 127\.0\.0\.1:\d+\/v1\/traces; redirects are not followed/);
  assert.doesNotMatch(warnings.join(), /hunter/);
});

const windows: [string, () => string][] = [
  ['in seconds', () => '25'],
  ['as a date', () => new Date(Date.now() + 25_000).toUTCString()],
  ['of a billion seconds', () => '1000000000'],
  ['in seconds as 1e9', () => '1e9'],
];
for (const [kind, header] of windows) {
  test(`no request is made while a Retry-After ${kind} lasts, not even at shutdown`, async (t) => {
    const { backend, exporter } = await fixture(
      t,
      (response) => void response.writeHead(429, { 'retry-after': header() }).end(),
      { shutdownTimeoutMillis: 2500 },
      fastClock(5),
    );
    exporter.export(endedSpans(3), () => {});
    await until(() => backend.requests.length > 0);
    await exporter.shutdown();
    assert.equal(backend.requests.length, 1);
    assert.equal(outcome(exporter).dropped, 3);
  });
}

test('a Retry-After that makes no sense does not stop the usual retries', async (t) => {
  const values = ['-5', 'nonsense', '', '2001-05'];
  const { backend, exporter } = await fixture(
    t,
    (response, _, number) => {
      if (number < values.length) response.writeHead(503, { 'retry-after': values[number] as string });
      response.end();
    },
    {},
    fastClock(50),
  );
  await send(exporter);
  assert.equal(backend.requests.length, 5);
  assert.equal(outcome(exporter).sent, 3);
});

test('a Retry-After is waited for, and then the spans arrive', async (t) => {
  const { backend, exporter } = await fixture(
    t,
    (response, _, number) => void response.writeHead(number ? 200 : 429, { 'retry-after': '25' }).end(),
    {},
    fastClock(50),
  );
  await send(exporter);
  assert.equal(backend.requests.length, 2);
  const [first, second] = backend.requests.map(({ atMillis }) => atMillis) as [number, number];
  assert.ok(second - first >= 25_000 / 50 - 50, `${second - first} ms`);
  assert.equal(outcome(exporter).sent, 3);
});

test('an answer whose headers come byte by byte is given up after the time for the whole request', async (t) => {
  const { backend, exporter } = await fixture(
    t,
    (response, _, number) => {
      if (number > 0) return response.end();
      const timer = setInterval(() => response.socket?.write('H'), 20);
      response.socket?.on('close', () => clearInterval(timer));
    },
    { timeoutMillis: 200 },
  );
  await send(exporter);
  assert.ok(backend.requests.length >= 2);
  assert.equal(outcome(exporter).sent, 3);
});

test('an answer whose body does not end has its status, and does not hold a shutdown', async (t) => {
  const { exporter } = await fixture(
    t,
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    },
    { timeoutMillis: 300 },
  );
  await send(exporter);
  await exporter.shutdown();
  assert.equal(outcome(exporter).sent, 3);
});

test('of an answer without an end only the beginning is read', async (t) => {
  let written = 0;
  const { exporter } = await fixture(t, (response) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const more = () => {
      while (written < 1e9 && !response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on('drain', more);
    more();
  });
  await send(exporter);
  assert.equal(outcome(exporter).sent, 3);
  assert.ok(written < 1e8, `${written} bytes were written`);
});

test('an answer that is cut off after its status counts by its status', async (t) => {
  const { backend, exporter } = await fixture(t, (response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"partial', () => response.socket?.resetAndDestroy());
  });
  await send(exporter);
  assert.equal(backend.requests.length, 1);
  assert.equal(outcome(exporter).sent, 3);
});

test('interim answers are no answer', async (t) => {
  const { exporter } = await fixture(t, (response) => {
    response.writeProcessing();
    response.writeEarlyHints({ link: '</x>; rel=preload' });
    response.end();
  });
  await send(exporter);
  assert.equal(outcome(exporter).sent, 3);
});

test('an idle connection that the server closed is no failure', async (t) => {
  const { backend, exporter, warnings } = await fixture(t, ok);
  backend.server.keepAliveTimeout = 1;
  for (let i = 0; i < 5; i++) {
    await send(exporter);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(outcome(exporter).sent, 15);
  assert.deepEqual(warnings, []);
});

const successes: [string, Respond][] = [
  ['an empty body', ok],
  ['a body that is unknown', status(200, { 'content-type': 'text/plain' }, 'thanks')],
  ['a body that is no JSON', status(200, { 'content-type': 'application/json' }, '{"partialSuccess"')],
  ['another 2xx', status(202)],
  ['204', status(204)],
  ['an empty partial success', status(200, { 'content-type': 'application/json' }, '{"partialSuccess":{}}')],
];
for (const [kind, respond] of successes) {
  test(`${kind} is a success`, async (t) => {
    const { exporter, warnings } = await fixture(t, respond);
    await send(exporter);
    assert.deepEqual(outcome(exporter), { sent: 3, rejected: 0, dropped: 0, held: 0 });
    assert.deepEqual(warnings, []);
  });
}

const pages: [string, Respond][] = [
  ['of the type text/html', status(200, { 'content-type': 'text/html; charset=utf-8' }, 'hello')],
  ['that begins with <', status(200, { 'content-type': 'application/json' }, '\n  <!doctype html><p>hello')],
];
for (const [kind, respond] of pages) {
  test(`an answer ${kind} is no success: it is not retried, and reported once`, async (t) => {
    const { backend, exporter, warnings } = await fixture(t, respond);
    await send(exporter);
    await send(exporter);
    assert.equal(backend.requests.length, 2);
    assert.deepEqual(outcome(exporter), { sent: 0, rejected: 6, dropped: 6, held: 0 });
    assert.equal(warnings.filter((warning) => warning.includes('HTML page')).length, 1);
  });
}

test("Jaeger's page is recognized, and the report says where OTLP is", async (t) => {
  const page = '<!doctype html><html><head><title>Jaeger UI</title></head></html>';
  const { exporter, warnings } = await fixture(t, status(200, { 'content-type': 'text/html' }, page));
  await send(exporter);
  assert.match(warnings.join(), /Jaeger's page; OTLP is on port 4318/);
});

/** `ExportTraceServiceResponse { partial_success { rejected_spans, error_message } }` */
function protobufPartial(rejected: number, message: string): Buffer {
  const text = Buffer.from(message);
  const inner = Buffer.concat([Buffer.from([0x08, rejected, 0x12, text.length]), text]);
  return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
}

const partials: [string, string, string | Buffer][] = [
  ['JSON', 'application/json', '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}'],
  ['JSON with a number', 'application/json', '{"partialSuccess":{"rejectedSpans":2,"errorMessage":"too old"}}'],
  ['Protobuf', 'application/x-protobuf', protobufPartial(2, 'too old')],
];
for (const [kind, type, body] of partials) {
  test(`the spans of a partial success in ${kind} are counted as rejected, and the reason is reported once`, async (t) => {
    const { exporter, warnings } = await fixture(
      t,
      (response) => void response.writeHead(200, { 'content-type': type }).end(body),
    );
    await send(exporter);
    await send(exporter);
    assert.deepEqual(outcome(exporter), { sent: 2, rejected: 4, dropped: 4, held: 0 });
    assert.equal(warnings.filter((warning) => warning.includes('rejected 2 of 3 spans: too old')).length, 1);
  });
}

test('a partial success that rejects more spans than there were rejects all of them', async (t) => {
  const { exporter } = await fixture(
    t,
    status(200, { 'content-type': 'application/json' }, '{"partialSuccess":{"rejectedSpans":"99"}}'),
  );
  await send(exporter);
  assert.deepEqual(outcome(exporter), { sent: 0, rejected: 3, dropped: 3, held: 0 });
});

test('no report quotes a header value, a password or a query, even if the backend does', async (t) => {
  const backend = await startBackend(t, (response, { headers, path }) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: `bad ${headers.authorization} ${headers['x-key']} at ${path}\u001b[31m` }));
  });
  const warnings = warningsOf(t);
  const exporter = new RuntraceExporter({
    url: `${backend.url.replace('//', '//ada:hunter1@')}?token=hunter2`,
    headers: { authorization: 'Bearer hunter3', 'x-key': 'hunter4' },
    shutdownTimeoutMillis: 100,
  });
  t.after(() => exporter.shutdown());
  await send(exporter);
  assert.match(warnings.join(), /HTTP 401/);
  assert.doesNotMatch(warnings.join(), /hunter/);
  assert.ok(!warnings.join().includes('\u001b'));
});

test('a secret that an endpoint quotes is removed where it was encoded, and where the text was cut off', async (t) => {
  const password = 'hunter2-hunter2';
  const basic = Buffer.from(`ada:${password}`).toString('base64');
  const quotes = [`you sent Basic ${basic}`, JSON.stringify({ quoted: 'a"hunter2' }), `${'.'.repeat(290)} ${password}`];
  for (const text of quotes) {
    const backend = await startBackend(t, status(400, { 'content-type': 'text/plain' }, text));
    const warnings = warningsOf(t);
    const exporter = new RuntraceExporter({
      url: backend.url.replace('//', `//ada:${password}@`),
      headers: { 'x-key': 'a"hunter2' },
      shutdownTimeoutMillis: 100,
    });
    await send(exporter);
    await exporter.shutdown();
    assert.match(warnings.join(), /HTTP 400/);
    assert.doesNotMatch(warnings.join(), /hunt/);
    assert.ok(!warnings.join().includes(basic));
  }
});

test('headers from a function are asked for each request, and its failure is reported without its text', async (t) => {
  let calls = 0;
  const { backend, exporter, warnings } = await fixture(
    t,
    ok,
    {
      headers: async () => {
        if (calls++ === 0) throw new Error('no token hunter1');
        return { authorization: `Bearer ${calls}` };
      },
    },
    fastClock(20),
  );
  await send(exporter);
  await send(exporter);
  assert.deepEqual(
    backend.requests.map(({ headers }) => headers.authorization),
    ['Bearer 2', 'Bearer 3'],
  );
  assert.match(warnings.join(), /the headers option failed with Error/);
  assert.doesNotMatch(warnings.join(), /hunter/);
});

test('the credentials of a URL are sent as basic authorization', async (t) => {
  const backend = await startBackend(t, ok);
  const exporter = new RuntraceExporter({ url: backend.url.replace('//', '//ada:lovelace@') });
  await send(exporter);
  await exporter.shutdown();
  const expected = `Basic ${Buffer.from('ada:lovelace').toString('base64')}`;
  assert.equal(backend.requests[0]?.headers.authorization, expected);
});

test('numbers that JSON has not, and those beyond 64 bits, arrive as doubles, on links and the resource too', async (t) => {
  const odd = { nan: Number.NaN, infinite: Number.NEGATIVE_INFINITY, large: 1e300, power: 2 ** 63, half: 0.5 };
  for (const protocol of ['http/protobuf', 'http/json'] as const) {
    const { backend, exporter } = await fixture(t, ok, { protocol });
    const spans = endedSpans(2, {
      before: (span) => span.addLink({ context: span.spanContext(), attributes: odd }).setAttributes(odd),
    });
    const resource = { attributes: odd };
    exporter.export(
      spans.map((span) => ({ ...span, spanContext: () => span.spanContext(), resource })) as never,
      () => {},
    );
    await exporter.forceFlush();
    const ofResource = backend.requests[0]?.body.resourceSpans[0];
    const span = ofResource?.scopeSpans[0]?.spans[0];
    const expected = [
      { key: 'nan', value: { doubleValue: 'NaN' } },
      { key: 'infinite', value: { doubleValue: '-Infinity' } },
      { key: 'large', value: { doubleValue: 1e300 } },
      { key: 'power', value: { doubleValue: 2 ** 63 } },
      { key: 'half', value: { doubleValue: 0.5 } },
    ];
    assert.deepEqual(ofResource?.resource.attributes, expected);
    assert.deepEqual(span?.attributes, expected);
    assert.deepEqual(span?.links[0]?.attributes, expected);
  }
});

test('a span that cannot be written is lost alone, and counted', async (t) => {
  const { backend, exporter, warnings } = await fixture(t, ok);
  exporter.export(withUnwritable(endedSpans(100), 42), () => {});
  await exporter.forceFlush();
  assert.deepEqual(outcome(exporter), { sent: 99, rejected: 1, dropped: 1, held: 0 });
  assert.equal(new Set(spanNames(backend.requests)).size, 99);
  assert.match(warnings.join(), /spans can't be encoded: mine/);
});

test('headers that are never there count as a failed request, after its time', async (t) => {
  let calls = 0;
  const { backend, exporter } = await fixture(
    t,
    ok,
    { headers: () => (calls++ === 0 ? new Promise(() => {}) : Promise.resolve({})), timeoutMillis: 200_000 },
    fastClock(50),
  );
  await send(exporter);
  assert.equal(calls, 2);
  assert.equal(backend.requests.length, 1);
});

test('an agent of the application is used, and not closed at shutdown', async (t) => {
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const destroyed = t.mock.method(agent, 'destroy');
  const { exporter } = await fixture(t, ok, { httpAgentOptions: () => agent });
  await send(exporter);
  await exporter.shutdown();
  assert.equal(destroyed.mock.callCount(), 0);
  assert.equal(Object.keys(agent.freeSockets).length, 1);
});
