import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { type TestContext, test } from 'node:test';
import { RuntraceExporter, type RuntraceExporterOptions } from 'runtrace/exporter';
import type { Clock } from '../../../src/exporter/clock.js';
import { realClock } from '../../../src/exporter/clock.js';
import { fastClock } from '../../support/fast-clock.js';
import { decodeOtlpProtobuf } from '../../support/otlp-protobuf.js';
import { endedSpans, namesOf, withUnwritable } from '../../support/spans.js';
import { warningsOf, withEnvironment } from './backend.js';
import { type Certificates, makeCertificates } from './certificates.js';

// biome-ignore lint/suspicious/noExplicitAny: the package is not a dependency of ours, so its types are not at hand.
const grpc: any = createRequire(import.meta.url)('@grpc/grpc-js');

interface Call {
  names: string[];
  metadata: { get(name: string): unknown[] };
}
type Reply = (number: number) => { error: object } | { response: Buffer };

const OK: Reply = () => ({ response: Buffer.alloc(0) });

async function startGrpc(t: TestContext, reply: Reply, tls?: Certificates) {
  const calls: Call[] = [];
  const server = new grpc.Server();
  const identity = (value: Buffer) => value;
  server.addService(
    {
      export: {
        path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    {
      export(
        call: { request: Buffer; metadata: Call['metadata'] },
        callback: (error: object | null, response?: Buffer) => void,
      ) {
        const request = decodeOtlpProtobuf(call.request) as {
          resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[];
        };
        const spans = request.resourceSpans.flatMap((it) => it.scopeSpans.flatMap((scope) => scope.spans));
        calls.push({ names: namesOf(spans), metadata: call.metadata });
        const result = reply(calls.length - 1);
        if ('error' in result) callback(result.error);
        else callback(null, result.response);
      },
    },
  );
  const credentials = tls
    ? grpc.ServerCredentials.createSsl(
        tls.read(tls.ca),
        [{ private_key: tls.read(tls.server.key), cert_chain: tls.read(tls.server.cert) }],
        true,
      )
    : grpc.ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error: Error | null, bound: number) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  t.after(() => server.forceShutdown());
  return { calls, port };
}

async function fixture(t: TestContext, reply: Reply, options: RuntraceExporterOptions = {}, clock: Clock = realClock) {
  const { calls, port } = await startGrpc(t, reply);
  const warnings = warningsOf(t);
  // Times that a fast clock on a busy machine does not reach.
  const patient = clock === realClock ? {} : { timeoutMillis: 1_000_000, flushTimeoutMillis: 10_000_000 };
  const exporter = new RuntraceExporter(
    { url: `http://127.0.0.1:${port}`, protocol: 'grpc', shutdownTimeoutMillis: 1000, ...patient, ...options },
    clock,
  );
  t.after(() => exporter.shutdown());
  const send = async () => {
    exporter.export(endedSpans(3), () => {});
    await exporter.forceFlush();
  };
  return { calls, exporter, warnings, send };
}

/** Status details with a `google.rpc.RetryInfo` of so many seconds. */
function retryInfo(seconds: number) {
  const delimited = (field: number, content: Buffer) =>
    Buffer.concat([Buffer.from([field * 8 + 2, content.length]), content]);
  const duration = Buffer.from([0x08, seconds]);
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  const any = Buffer.concat([delimited(1, type), delimited(2, delimited(1, duration))]);
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', delimited(3, any));
  return metadata;
}

test('with the protocol grpc every span arrives, with the headers as metadata', async (t) => {
  const { calls, exporter, send } = await fixture(t, OK, { headers: { 'X-Key': 'value' } });
  await send();
  assert.deepEqual(calls[0]?.names, namesOf(endedSpans(3)));
  assert.deepEqual(calls[0]?.metadata.get('x-key'), ['value']);
  assert.equal(exporter.stats().sent.spans, 3);
});

test('OTEL_EXPORTER_OTLP_PROTOCOL=grpc takes the endpoint and the headers from the environment', async (t) => {
  const { calls, port } = await startGrpc(t, OK);
  withEnvironment(t, {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_ENDPOINT: `127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_INSECURE: 'true',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=value',
  });
  const exporter = new RuntraceExporter();
  exporter.export(endedSpans(1), () => {});
  await exporter.shutdown();
  assert.deepEqual(calls[0]?.metadata.get('x-key'), ['value']);
});

test('the scheme of an address of gRPC may be in capitals', async (t) => {
  const { calls, port } = await startGrpc(t, OK);
  const exporter = new RuntraceExporter({ protocol: 'grpc', url: `HTTP://127.0.0.1:${port}` });
  exporter.export(endedSpans(1), () => {});
  await exporter.shutdown();
  assert.equal(calls.length, 1);
});

test('TLS with a CA of our own and a client certificate works by the variables', async (t) => {
  const certificates = makeCertificates(t);
  const { calls, port } = await startGrpc(t, OK, certificates);
  withEnvironment(t, {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${port}`,
    OTEL_EXPORTER_OTLP_CERTIFICATE: certificates.ca,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: certificates.client.cert,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: certificates.client.key,
  });
  const exporter = new RuntraceExporter();
  exporter.export(endedSpans(2), () => {});
  await exporter.shutdown();
  assert.equal(exporter.stats().sent.spans, 2);
  assert.equal(calls.length, 1);
});

test('the spans of a partial success are counted as rejected, and the reason is reported', async (t) => {
  const response = Buffer.from([0x0a, 0x06, 0x08, 0x02, 0x12, 0x02, 0x6e, 0x6f]);
  const { exporter, warnings, send } = await fixture(t, () => ({ response }));
  await send();
  const { sent, rejected, dropped } = exporter.stats();
  assert.deepEqual([sent.spans, rejected.spans, dropped.spans], [1, 2, 2]);
  assert.match(warnings.join(), /rejected 2 of 3 spans: no/);
});

for (const [name, code] of [
  ['UNAVAILABLE', 14],
  ['DEADLINE_EXCEEDED', 4],
  ['ABORTED', 10],
] as const) {
  test(`${name} is tried again, and every span arrives`, async (t) => {
    const { exporter, send } = await fixture(
      t,
      (number) => (number === 0 ? { error: { code, details: 'later' } } : OK(number)),
      {},
      fastClock(10),
    );
    await send();
    assert.equal(exporter.stats().sent.spans, 3);
  });
}

test('RESOURCE_EXHAUSTED without RetryInfo is final', async (t) => {
  const { calls, exporter, send } = await fixture(t, () => ({ error: { code: 8, details: 'quota' } }));
  await send();
  assert.equal(calls.length, 1);
  assert.equal(exporter.stats().rejected.spans, 3);
});

test('RESOURCE_EXHAUSTED with RetryInfo is tried again, and not before its time', async (t) => {
  const at: number[] = [];
  const { exporter, send } = await fixture(
    t,
    (number) => {
      at.push(performance.now());
      return number === 0 ? { error: { code: 8, details: 'slow down', metadata: retryInfo(20) } } : OK(number);
    },
    {},
    fastClock(20),
  );
  await send();
  assert.equal(exporter.stats().sent.spans, 3);
  assert.ok((at[1] as number) - (at[0] as number) >= 20_000 / 20 - 50);
});

test('INVALID_ARGUMENT and PERMISSION_DENIED are final, and reported without the key', async (t) => {
  for (const code of [3, 7]) {
    const { calls, exporter, warnings, send } = await fixture(
      t,
      () => ({ error: { code, details: 'bad key hunter2' } }),
      { headers: { 'x-key': 'hunter2' } },
    );
    await send();
    assert.equal(calls.length, 1);
    assert.equal(exporter.stats().rejected.spans, 3);
    assert.doesNotMatch(warnings.join(), /hunter2/);
  }
});

test('a request that the server calls too large is split', async (t) => {
  let requests = 0;
  const { exporter } = await fixture(t, () => {
    requests++;
    return requests === 1
      ? { error: { code: 8, details: 'Received message larger than max (60000 vs. 50000)' } }
      : { response: Buffer.alloc(0) };
  });
  exporter.export(endedSpans(6, { attributes: () => ({ text: 'x'.repeat(10_000) }) }), () => {});
  await exporter.forceFlush();
  assert.equal(exporter.stats().sent.spans, 6);
  assert.ok(exporter.stats().split.spans > 0);
});

test('a span that cannot be written is lost alone', async (t) => {
  const { calls, exporter, warnings } = await fixture(t, OK);
  exporter.export(withUnwritable(endedSpans(100), 42), () => {});
  await exporter.forceFlush();
  const { sent, rejected } = exporter.stats();
  assert.deepEqual([sent.spans, rejected.spans, calls.flatMap(({ names }) => names).length], [99, 1, 99]);
  assert.match(warnings.join(), /spans can't be encoded: mine/);
});

test('a header that gRPC can not send is reported without its value', async (t) => {
  const { calls, exporter, warnings, send } = await fixture(t, OK, { headers: { 'x-key': 'hünter2' } });
  await send();
  assert.equal(calls.length, 0);
  assert.equal(exporter.stats().rejected.spans, 3);
  assert.match(warnings.join(), /requests are refused/);
  assert.doesNotMatch(warnings.join(), /hünter2/);
});
