import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntraceExporter, type RuntraceExporterOptions } from 'runtrace/exporter';
import { endedSpans } from '../../support/spans.js';
import { startBackend, warningsOf, withEnvironment } from './backend.js';
import { makeCertificates } from './certificates.js';

async function send(exporter: RuntraceExporter): Promise<void> {
  exporter.export(endedSpans(2), () => {});
  await exporter.forceFlush();
  await exporter.shutdown();
}

/** A shutdown that does not give up takes so long that its report is another one. */
async function shutDown(options: RuntraceExporterOptions): Promise<void> {
  const exporter = new RuntraceExporter({ ...options, shutdownTimeoutMillis: 30_000 });
  exporter.export(endedSpans(2), () => {});
  await exporter.shutdown();
}

/** Where nothing is sent. On a busy machine a first handshake may take longer. */
const BRIEF = { flushTimeoutMillis: 500, shutdownTimeoutMillis: 200 };

test('a CA of our own is trusted by its variable', async (t) => {
  const { ca, server, read } = makeCertificates(t);
  const backend = await startBackend(t, (response) => void response.end(), {
    cert: read(server.cert),
    key: read(server.key),
  });
  withEnvironment(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: new URL(backend.url).origin,
    OTEL_EXPORTER_OTLP_CERTIFICATE: ca,
  });
  const exporter = new RuntraceExporter();
  await send(exporter);
  assert.equal(exporter.stats().sent.spans, 2);
});

test('a certificate that is not trusted is reported, and nothing is sent', async (t) => {
  const { server, read } = makeCertificates(t);
  const backend = await startBackend(t, (response) => void response.end(), {
    cert: read(server.cert),
    key: read(server.key),
  });
  const warnings = warningsOf(t);
  const exporter = new RuntraceExporter({ url: backend.url, ...BRIEF });
  await send(exporter);
  assert.equal(backend.requests.length, 0);
  assert.equal(exporter.stats().dropped.spans, 2);
  assert.match(warnings.join(), /certificate/i);
});

for (const protocol of ['http/protobuf', 'grpc'] as const) {
  test(`a shutdown gives up on a certificate that is not trusted: ${protocol}`, async (t) => {
    const { server, read } = makeCertificates(t);
    const tls = { cert: read(server.cert), key: read(server.key), ALPNProtocols: ['h2', 'http/1.1'] };
    const { url } = await startBackend(t, (response) => void response.end(), tls);
    const warnings = warningsOf(t);
    await shutDown({ url, protocol });
    assert.match(warnings.join(), /spans are lost: no TLS connection can be made/);
  });

  test(`a shutdown gives up on an endpoint that does not speak TLS: ${protocol}`, async (t) => {
    const { url } = await startBackend(t, (response) => void response.end());
    const warnings = warningsOf(t);
    await shutDown({ url: url.replace('http:', 'https:'), protocol });
    assert.match(warnings.join(), /spans are lost: no TLS connection can be made/);
  });
}

test('a shutdown gives up on a host that is unknown', async (t) => {
  const warnings = warningsOf(t);
  const lookup: LookupFunction = (hostname, _options, done) =>
    done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), '');
  await shutDown({ url: 'http://otel-collector:4318/v1/traces', httpAgentOptions: { lookup } });
  assert.match(warnings.join(), /spans are lost: its host is unknown/);
});

test('a client certificate is sent, by the variables or by httpAgentOptions', async (t) => {
  const { ca, server, client, read } = makeCertificates(t);
  const backend = await startBackend(t, (response) => void response.end(), {
    cert: read(server.cert),
    key: read(server.key),
    ca: read(ca),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const byOptions = new RuntraceExporter({
    url: backend.url,
    httpAgentOptions: { ca: read(ca), cert: read(client.cert), key: read(client.key) },
  });
  await send(byOptions);
  assert.equal(byOptions.stats().sent.spans, 2);
  withEnvironment(t, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: backend.url,
    OTEL_EXPORTER_OTLP_CERTIFICATE: ca,
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: client.cert,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: client.key,
  });
  const byVariables = new RuntraceExporter();
  await send(byVariables);
  assert.equal(byVariables.stats().sent.spans, 2);
});

for (const suffix of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY']) {
  for (const prefix of ['OTEL_EXPORTER_OTLP_', 'OTEL_EXPORTER_OTLP_TRACES_']) {
    test(`a file of ${prefix}${suffix} that can't be read is reported at start, and does not stop it`, async (t) => {
      const warnings = warningsOf(t);
      withEnvironment(t, { [`${prefix}${suffix}`]: '/nowhere/at/all.pem' });
      await new RuntraceExporter().shutdown();
      assert.equal(warnings.length, 1);
      assert.ok(warnings[0]?.includes(`${prefix}${suffix} `) && warnings[0].includes('ENOENT'), warnings[0]);
    });
  }
}

test('a file that is no PEM is reported at start, without what is in it', async (t) => {
  const { ca } = makeCertificates(t);
  const path = join(ca, '..', 'wrong.pem');
  writeFileSync(path, 'password: hunter2');
  const warnings = warningsOf(t);
  withEnvironment(t, { OTEL_EXPORTER_OTLP_CERTIFICATE: path });
  await new RuntraceExporter().shutdown();
  assert.match(warnings.join(), /OTEL_EXPORTER_OTLP_CERTIFICATE must be the path of a PEM file/);
  assert.doesNotMatch(warnings.join(), /hunter2/);
});

test('a certificate without its key, a key without its certificate, and a key of another one are reported at start', async (t) => {
  const { client } = makeCertificates(t);
  const other = makeCertificates(t).client;
  const locked = join(client.key, '..', 'locked.pem');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(
    locked,
    privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' }),
  );
  const [certificate, key] = ['OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'];
  const mistakes: readonly [Record<string, string>, RegExp][] = [
    [
      { [certificate]: client.cert },
      /TRACES_CLIENT_CERTIFICATE needs a key in OTEL_EXPORTER_OTLP_CLIENT_KEY; it is ignored$/,
    ],
    [{ [key]: client.key }, /CLIENT_KEY needs a certificate in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE; it is ignored$/],
    [
      { [certificate]: client.cert, [key]: other.key },
      /CLIENT_KEY must be the key of the certificate in OTEL\w+; it is ignored/,
    ],
    [
      { [certificate]: client.cert, [key]: locked },
      /CLIENT_KEY must be the path of a PEM file; what is in \S+ needs a passphrase/,
    ],
  ];
  for (const [variables, report] of mistakes) {
    const warnings = warningsOf(t);
    withEnvironment(t, { [certificate]: '', [key]: '', ...variables });
    await new RuntraceExporter().shutdown();
    assert.match(warnings[0] ?? '', report);
  }
});
