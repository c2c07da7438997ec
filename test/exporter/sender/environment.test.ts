import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diag } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { RuntraceBatchSpanProcessor, RuntraceExporter, RuntraceSpanProcessor } from 'runtrace/exporter';
import { resolveEndpoint } from '../../../src/exporter/endpoint.js';
import { endedSpans } from '../../support/spans.js';
import { startBackend, warningsOf, withEnvironment } from './backend.js';

const P = 'OTEL_EXPORTER_OTLP_';

const nonsense: [string, string, RegExp][] = [
  [`${P}ENDPOINT`, 'collector.hunter2', /must be an http or https URL/],
  [`${P}ENDPOINT`, 'localhost:4317', /must be an http or https URL/],
  [`${P}ENDPOINT`, 'ftp://ada:hunter2@host/', /must be an http or https URL/],
  [`${P}TRACES_ENDPOINT`, 'http://ada:hunter2@:bad', /must be an http or https URL/],
  [`${P}PROTOCOL`, 'http', /must be one of http\/protobuf, http\/json, grpc/],
  [`${P}TRACES_PROTOCOL`, 'thrift', /must be one of/],
  [`${P}COMPRESSION`, 'brotli', /must be 'gzip' or 'none'/],
  [`${P}TIMEOUT`, '10s', /must be a number of milliseconds/],
  [`${P}TRACES_TIMEOUT`, '0', /must be a number of milliseconds/],
  [`${P}TIMEOUT`, '-1', /must be a number of milliseconds/],
  [`${P}TIMEOUT`, 'Infinity', /must be a number of milliseconds/],
  [`${P}HEADERS`, 'authorization: Bearer hunter2', /pair 1 of .* must be name=value/],
  [`${P}TRACES_HEADERS`, 'a=b,authorization=%hunter2', /pair 2 of .* must be name=value/],
  [`${P}HEADERS`, 'a=b,x-key=', /pair 2 of .* must have a value/],
  [`${P}HEADERS`, 'bad name=hunter2', /pair 1 of .* must be name=value/],
  [`${P}HEADERS`, 'key=hunter%0A2', /pair 1 of .* must be name=value/],
];
for (const [name, value, says] of nonsense) {
  test(`${name}=${value.replace('hunter2', '…')} is reported without its value, ignored, and does not stop the start`, async (t) => {
    const warnings = warningsOf(t);
    withEnvironment(t, { [name]: value });
    await new RuntraceExporter().shutdown();
    assert.ok(warnings[0]?.includes(name), warnings[0]);
    assert.match(warnings[0] as string, says);
    assert.doesNotMatch(warnings.join(), /hunter/);
  });
}

/** What can be used and is likely to be a mistake. */
const doubtful: [string, string, RegExp][] = [
  [
    `${P}ENDPOINT`,
    'http://c:4318/v1/traces',
    /^runtrace exporter: c:4318\/v1\/traces\/v1\/traces has \/v1\/traces twice/,
  ],
  [
    `${P}ENDPOINT`,
    'http://c:4318/v1/',
    /c:4318\/v1\/v1\/traces has \/v1 twice: OTEL_EXPORTER_OTLP_ENDPOINT takes the URL without/,
  ],
  [`${P}TRACES_ENDPOINT`, 'http://ada:hunter2@c/v1/traces/v1/traces/?key=hunter2', /c\/v1\/traces\/v1\/traces\/ has/],
  [
    `${P}TRACES_ENDPOINT`,
    'http://c:4318/v1/metrics',
    /c:4318\/v1\/metrics is for metrics: the path for spans is usually \/v1\/traces/,
  ],
  [`${P}HEADERS`, 'x-key="hunter2"', /the header "x-key" in OTEL_EXPORTER_OTLP_HEADERS has quotes around its value/],
  [`${P}HEADERS`, 'authorization=Bearer $HUNTER', /the header "authorization" in .* ends with the name of a variable/],
  [
    `${P}TRACES_HEADERS`,
    'authorization=Bearer%20undefined',
    /in OTEL_EXPORTER_OTLP_TRACES_HEADERS ends with "undefined" or "null"/,
  ],
  [`${P}TRACE_ENDPOINT`, 'http://hunter2', /OTEL_EXPORTER_OTLP_TRACE_ENDPOINT is not read: the variables are/],
  ['OTEL_EXPORTER_OLTP_ENDPOINT', 'http://hunter2', /OTEL_EXPORTER_OLTP_ENDPOINT is not read/],
  ['OTEL_ENDPOINT', 'http://hunter2', /OTEL_ENDPOINT is not read/],
];
for (const [name, value, says] of doubtful) {
  test(`${name}=${value.replaceAll('hunter2', '…')} is used, or not read, and reported once with its fix`, async (t) => {
    const warnings = warningsOf(t);
    withEnvironment(t, { [name]: value });
    await new RuntraceExporter().shutdown();
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0] as string, says);
    assert.doesNotMatch(warnings.join(), /hunter/i);
  });
}

test('a header that is made of a variable that is not set is reported without its value', async (t) => {
  const warnings = warningsOf(t);
  await new RuntraceExporter({ headers: { Authorization: 'Bearer undefined', 'x-key': 'hunter2' } }).shutdown();
  assert.deepEqual(warnings, [
    'runtrace exporter: the header "Authorization" in headers ends with "undefined" or "null"; set the variable that it is made of',
  ]);
});

test('settings that are right are not reported: those of other signals too, and any path that is not that of one', async (t) => {
  const warnings = warningsOf(t);
  withEnvironment(t, {
    [`${P}METRICS_ENDPOINT`]: 'http://c/v1/metrics',
    [`${P}LOGS_HEADERS`]: 'a=b',
    [`${P}METRICS_TEMPORALITY_PREFERENCE`]: 'delta',
    [`${P}TRACES_INSECURE`]: 'true',
    [`${P}ENDPOINT`]: 'https://c/api/v1/otlp',
    [`${P}HEADERS`]: 'authorization=Basic%20YTpi,x-price=5$',
  });
  await new RuntraceExporter().shutdown();
  await new RuntraceExporter({ url: 'https://c/api/public/otel/v1/traces' }).shutdown();
  assert.deepEqual(warnings, []);
});

for (const address of ['https:\\[#hunter2', 'unix://[hunter2', 'dns:///hunter2:4317', 'ftp://ada:hunter2@host/']) {
  test(`the gRPC address ${address.replace('hunter2', '…')} is reported and ignored, and does not stop the start`, async (t) => {
    const warnings = warningsOf(t);
    withEnvironment(t, { [`${P}PROTOCOL`]: 'grpc', [`${P}ENDPOINT`]: address });
    await new RuntraceExporter().shutdown();
    assert.match(warnings.join('\n'), /ENDPOINT must be .*ignored\n.*spans go to http:\/\/localhost:4317/);
    assert.doesNotMatch(warnings.join(), /hunter/);
  });
}

test('NodeSDK with OTEL_LOG_LEVEL says which variable makes no sense', async (t) => {
  const write = t.mock.method(process.stderr, 'write', () => true);
  t.after(() => diag.disable());
  withEnvironment(t, { OTEL_LOG_LEVEL: 'warn', [`${P}TRACES_HEADERS`]: 'authorization: Bearer hunter2' });
  const sdk = new NodeSDK({ spanProcessors: [new RuntraceSpanProcessor()], autoDetectResources: false });
  t.after(() => sdk.shutdown());
  await Promise.resolve();
  const said = write.mock.calls.map(({ arguments: [line] }) => String(line));
  assert.equal(said.filter((message) => message.includes(`pair 1 of ${P}TRACES_HEADERS must be name=value`)).length, 1);
  assert.doesNotMatch(said.join(), /hunter2/);
});

test('a variable that makes no sense leaves its place to the one for all signals, and that to the default', (t) => {
  warningsOf(t);
  withEnvironment(t, {
    [`${P}TRACES_TIMEOUT`]: 'soon',
    [`${P}TIMEOUT`]: '1234',
    [`${P}TRACES_ENDPOINT`]: 'nowhere',
    [`${P}ENDPOINT`]: 'http://collector:4318/base/',
    [`${P}COMPRESSION`]: 'zip',
  });
  const { url, timeoutMillis, compression } = resolveEndpoint({});
  assert.deepEqual([url, timeoutMillis, compression], ['http://collector:4318/base/v1/traces', 1234, 'gzip']);
});

const endpoints: [Record<string, string>, string][] = [
  [{}, 'http://localhost:4318/v1/traces'],
  [{ ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
  [{ ENDPOINT: ' http://c:4318/ ' }, 'http://c:4318/v1/traces'],
  [{ ENDPOINT: 'https://c/otlp?key=1' }, 'https://c/otlp/v1/traces?key=1'],
  [{ ENDPOINT: 'http://c:4318', TRACES_ENDPOINT: 'http://d/custom ' }, 'http://d/custom'],
  [{ ENDPOINT: '' }, 'http://localhost:4318/v1/traces'],
  [{ ENDPOINT: 'http://[::1]:4318' }, 'http://[::1]:4318/v1/traces'],
  [{ TRACES_ENDPOINT: '\t http://d/a b\n' }, 'http://d/a b'],
  [{ TRACES_ENDPOINT: ' ', ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
  [{ ENDPOINT: 'HTTP://C:4318' }, 'http://c:4318/v1/traces'],
  [{ PROTOCOL: 'grpc', ENDPOINT: 'unix:///run/otel.sock' }, 'unix:///run/otel.sock'],
  [{ PROTOCOL: 'grpc', ENDPOINT: '[::1]:4317' }, '[::1]:4317'],
  [{ PROTOCOL: 'grpc' }, 'http://localhost:4317'],
  [{ PROTOCOL: 'grpc', ENDPOINT: 'http://c:4317' }, 'http://c:4317'],
];
for (const [variables, url] of endpoints) {
  test(`${JSON.stringify(variables)} means ${url}`, (t) => {
    withEnvironment(t, Object.fromEntries(Object.entries(variables).map(([name, value]) => [P + name, value])));
    assert.equal(resolveEndpoint({}).url, url);
  });
}

test('an endpoint with a space at its end gets the spans and the headers, and localhost gets nothing', async (t) => {
  const backend = await startBackend(t, (response) => void response.end());
  withEnvironment(t, { [`${P}ENDPOINT`]: `${new URL(backend.url).origin} `, [`${P}HEADERS`]: 'x-key=secret%20key' });
  const exporter = new RuntraceExporter();
  exporter.export(endedSpans(1), () => {});
  await exporter.shutdown();
  assert.equal(exporter.stats().sent.spans, 1);
  assert.equal(backend.requests[0]?.headers['x-key'], 'secret key');
});

test('the headers for an endpoint that makes no sense do not go to localhost', async (t) => {
  const warnings = warningsOf(t);
  withEnvironment(t, { [`${P}ENDPOINT`]: 'api.vendor.example', [`${P}HEADERS`]: 'x-key=secret' });
  const { url, headers } = resolveEndpoint({});
  assert.equal(url, 'http://localhost:4318/v1/traces');
  assert.deepEqual(await headers(), {});
  assert.match(warnings.join(), /spans go to http:\/\/localhost:4318\/v1\/traces, without the headers/);
});

test('headers of both variables and of the options are sent together, the most specific one first', async (t) => {
  withEnvironment(t, { [`${P}HEADERS`]: 'a=1,b=1,c=1', [`${P}TRACES_HEADERS`]: 'B=2,c=2' });
  assert.deepEqual(await resolveEndpoint({ headers: { C: '3' } }).headers(), { a: '1', b: '2', c: '3' });
});

test('the name of an endpoint has no credentials and no query', () => {
  assert.equal(resolveEndpoint({ url: 'https://ada:secret@c/v1/traces?key=secret' }).name, 'https://c/v1/traces');
});

test('the name of an address of gRPC has no credentials either', () => {
  const nameOf = (url: string) => resolveEndpoint({ url, protocol: 'grpc' }).name;
  assert.deepEqual(
    ['ada:secret@c:4317', 'http://ada:secret@c:4317', 'c:4317', '[::1]:4317', 'unix:/run/otel.sock'].map(nameOf),
    ['c:4317', 'http://c:4317', 'c:4317', '[::1]:4317', 'unix:/run/otel.sock'],
  );
});

const headerLists: [string, Record<string, string>][] = [
  ['a=1%2C2,b=x%3Dy', { a: '1,2', b: 'x=y' }],
  [' a = 1 , , b=2 ,', { a: '1', b: '2' }],
  ['a=b=c==', { a: 'b=c==' }],
  ['a=,=b,c=3', { c: '3' }],
  ['a=%E2%82%AC,b=2', { b: '2' }],
];
for (const [value, headers] of headerLists) {
  test(`the headers ${value} are ${JSON.stringify(headers)}`, async (t) => {
    warningsOf(t);
    withEnvironment(t, { [`${P}HEADERS`]: value });
    assert.deepEqual(await resolveEndpoint({}).headers(), headers);
  });
}

test('OTEL_TRACES_EXPORTER=none sends nothing where the endpoint comes from the environment', async (t) => {
  const backend = await startBackend(t, (response) => void response.end());
  withEnvironment(t, { [`${P}TRACES_ENDPOINT`]: backend.url, OTEL_TRACES_EXPORTER: 'none' });
  const processor = new RuntraceBatchSpanProcessor();
  new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test').startSpan('hello').end();
  await processor.forceFlush();
  await processor.shutdown();
  assert.equal(backend.requests.length, 0);
  assert.equal(processor.stats().taken.spans, 0);
  const explicit = new RuntraceExporter({ url: backend.url });
  explicit.export(endedSpans(1), () => {});
  await explicit.shutdown();
  assert.equal(backend.requests.length, 1);
});

test('OTEL_SDK_DISABLED=true sends nothing, and an export is a success', async (t) => {
  const backend = await startBackend(t, (response) => void response.end());
  withEnvironment(t, { OTEL_SDK_DISABLED: 'true' });
  const exporter = new RuntraceExporter({ url: backend.url });
  const { code } = await new Promise<{ code: number }>((resolve) => exporter.export(endedSpans(1), resolve));
  assert.equal(code, 0);
  await exporter.shutdown();
  assert.equal(backend.requests.length, 0);
});

test('no error for a wrong option quotes a URL or a header value', () => {
  const wrong = [
    { url: 'localhost:4318/hunter2' },
    { url: 'ftp://ada:hunter2@host' },
    { headers: 'authorization=hunter2' },
    { headers: { authorization: 'Bearer hunter2\n' } },
    { headers: { 'authorization: Bearer hunter2': '' } },
    { headers: { authorization: ['hunter2'] } },
    { destinations: [{ url: 'http://c/', headers: { a: '\u0000hunter2' } }] },
    { destinations: [{}], url: 'http://hunter2/' },
    { destinations: [{}], headers: { a: 'hunter2' } },
    { destinations: ['http://ada:hunter2@c/'] },
  ];
  for (const options of wrong) {
    assert.throws(
      () => new RuntraceExporter(options as never),
      (error: Error) => error instanceof TypeError && !error.message.includes('hunter2'),
      JSON.stringify(options),
    );
  }
});
