/** Every protocol of OTLP against a real Collector: its output has each span exactly as it was sent. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import type { ReceivedSpan } from '../../support/otlp-receiver.js';
import { freePorts, until } from '../../support/server-process.js';
import type { Checks } from '../jaeger/checks.js';
import { type Certificates, createCertificates } from './certificates.js';
import { readOutput, startCollector, writeConfig } from './collector-process.js';
import { ofCollector } from './recorded-spans.js';
import type { Sent } from './sender.js';
import { startWire } from './wire.js';

const SENDER = fileURLToPath(new URL('./sender.js', import.meta.url));
const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
const CONTENT_TYPES = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' };
/** The sender's large attribute alone. */
const LARGE_BYTES = 100_000;
const ARRIVAL_MILLIS = 20_000;
const HEADER = 'x-runtrace-test';
/** Where the Collector writes the header that it got. */
const HEADER_ATTRIBUTE = `received.${HEADER}`;

type Protocol = (typeof PROTOCOLS)[number];
type Receiver = 'plain' | 'tls' | 'mtls' | 'ipv6';

/** A Collector with one receiver of each kind, all of which write to one file. */
interface Target {
  output: string;
  directory: string;
  certificates: Certificates | undefined;
  /** The port of a receiver for a protocol. */
  port(receiver: Receiver, protocol: Protocol): number;
}

/** One row of the table. */
interface Row {
  name: string;
  protocol: Protocol;
  endpoint: string;
  env?: Record<string, string>;
  /** What the application plays; default: runs, and a span with every type of attribute. */
  plays?: 'numbers';
}

/** Makes the table's checks. */
export async function checkProtocols(checks: Checks, binary: string, directory: string): Promise<void> {
  const certificates = certificatesIn(directory);
  const ipv6 = await hasIpv6Loopback();
  const { target, stop } = await startTarget(binary, directory, certificates, ipv6);
  try {
    const at = (receiver: Receiver, protocol: Protocol, host = '127.0.0.1') =>
      `${receiver === 'tls' || receiver === 'mtls' ? 'https' : 'http'}://${host}:${target.port(receiver, protocol)}`;
    const checkProtocol = async (protocol: Protocol) => {
      for (const compression of ['gzip', 'none'] as const) await checkPlain(checks, target, protocol, compression);
      const endpoint = at('plain', protocol);
      const name = `${protocol}, NaN, infinities and doubles beyond 64-bit integers`;
      await checkRow(checks, target, { name, protocol, endpoint, plays: 'numbers' });
      await checkHeader(checks, target, protocol, endpoint);
      if (certificates) await checkTls(checks, target, certificates, protocol, at);
      else checks.skip(`${protocol}, TLS and mutual TLS`, 'openssl cannot make certificates here');
      const onIpv6 = { name: `${protocol}, IPv6`, protocol };
      if (ipv6) await checkRow(checks, target, { ...onIpv6, endpoint: at('ipv6', protocol, '[::1]') });
      else checks.skip(onIpv6.name, 'this machine has no IPv6 loopback');
    };
    await Promise.all(PROTOCOLS.map(checkProtocol));
    if (certificates) await checkRefusals(checks, target, certificates, at);
  } finally {
    await stop();
  }
}

/** Also looks at the bytes on the wire, so that a row cannot pass with another protocol than its own. */
async function checkPlain(
  checks: Checks,
  target: Target,
  protocol: Protocol,
  compression: 'gzip' | 'none',
): Promise<void> {
  const wire = await startWire(target.port('plain', protocol));
  const name = `${protocol}, ${compression}`;
  await checkRow(checks, target, {
    name,
    protocol,
    endpoint: `http://127.0.0.1:${wire.port}`,
    env: { OTEL_EXPORTER_OTLP_COMPRESSION: compression },
  });
  await wire.close();
  await checks.check(`${name}: that is what was on the wire`, () => {
    assert.equal(wire.byteCount > LARGE_BYTES, compression === 'none', `${wire.byteCount} bytes`);
    for (const head of wire.heads) {
      if (protocol === 'grpc') {
        assert.match(head, /^PRI \* HTTP\/2\.0/);
      } else {
        assert.match(head, new RegExp(`^content-type: ${CONTENT_TYPES[protocol]}\r$`, 'im'));
        assert.equal(/^content-encoding: gzip\r$/im.test(head), compression === 'gzip');
      }
    }
  });
}

async function checkHeader(checks: Checks, target: Target, protocol: Protocol, endpoint: string): Promise<void> {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: `${HEADER}=tenant%20one` };
  await checkRow(checks, target, { name: `${protocol}, a header`, protocol, endpoint, env }, 'tenant one');
}

async function checkTls(
  checks: Checks,
  target: Target,
  { ca, clientCertificate, clientKey }: Certificates,
  protocol: Protocol,
  at: (receiver: Receiver, protocol: Protocol) => string,
): Promise<void> {
  const trusting = { OTEL_EXPORTER_OTLP_CERTIFICATE: ca };
  const known = {
    ...trusting,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: clientCertificate,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: clientKey,
  };
  const tls = { protocol, endpoint: at('tls', protocol) };
  const mutual = { protocol, endpoint: at('mtls', protocol) };
  await checkRow(checks, target, { name: `${protocol}, TLS with an own CA`, ...tls, env: trusting });
  await checkRow(checks, target, { name: `${protocol}, mutual TLS`, ...mutual, env: known });
}

/** Each waits for the time-out of its shutdown, so all of them do at once. */
async function checkRefusals(
  checks: Checks,
  target: Target,
  { ca }: Certificates,
  at: (receiver: Receiver, protocol: Protocol) => string,
): Promise<void> {
  const rows = PROTOCOLS.flatMap((protocol): Row[] => [
    { name: `${protocol}, TLS without the CA`, protocol, endpoint: at('tls', protocol) },
    {
      name: `${protocol}, mutual TLS without a certificate`,
      protocol,
      endpoint: at('mtls', protocol),
      env: { OTEL_EXPORTER_OTLP_CERTIFICATE: ca },
    },
  ]);
  await Promise.all(rows.map((row) => checkRefused(checks, target, row)));
}

/** Every span is in the Collector's output once, and as it was sent. */
async function checkRow(checks: Checks, target: Target, row: Row, header?: string): Promise<void> {
  await checks.check(row.name, async () => {
    const sent = await play(target, row);
    const arrived = await receivedFrom(target, row, sent.spans.length);
    const headers = arrived.map(({ attributes }) => attributes[HEADER_ATTRIBUTE]);
    for (const { attributes } of arrived) delete attributes[HEADER_ATTRIBUTE];
    assert.deepEqual(ofCollector(arrived), sent.spans);
    assert.deepEqual(
      headers,
      arrived.map(() => header),
    );
    assert.equal(sent.sentCount, sent.spans.length, 'the spans that the exporter counts as sent');
  });
}

/** Nothing arrives, and the exporter does not count it as sent. */
async function checkRefused(checks: Checks, target: Target, row: Row): Promise<void> {
  await checks.check(`${row.name}: nothing is sent, and nothing is counted as sent`, async () => {
    const sent = await play(target, row);
    assert.ok(sent.spans.length > 0);
    assert.equal(sent.sentCount, 0);
    assert.deepEqual(await receivedFrom(target, row, 0), []);
  });
}

async function play({ directory }: Target, { name, protocol, endpoint, env, plays }: Row): Promise<Sent> {
  const file = join(directory, `${serviceOf(name)}.sent`);
  const child = spawn(process.execPath, [SENDER, file, ...(plays ? [plays] : [])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...withoutTelemetryVariables(),
      OTEL_SERVICE_NAME: serviceOf(name),
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
      ...env,
    },
  });
  const log = await text(child.stderr);
  const status = child.exitCode ?? (await new Promise((resolve) => child.once('close', resolve)));
  if (status !== 0) throw new Error(`the application exited with ${status}:\n${log}`);
  return deserialize(readFileSync(file)) as Sent;
}

/** The caller's own set-up must not configure a row. */
function withoutTelemetryVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_')));
}

async function receivedFrom({ output }: Target, { name }: Row, spanCount: number): Promise<ReceivedSpan[]> {
  const received = () => readOutput(output).filter(({ resource }) => resource['service.name'] === serviceOf(name));
  await until(ARRIVAL_MILLIS, async () => received().length >= spanCount);
  return received();
}

function serviceOf(name: string): string {
  return name.replaceAll(/\W+/g, '-').toLowerCase();
}

function certificatesIn(directory: string): Certificates | undefined {
  try {
    return createCertificates(directory);
  } catch {
    return undefined;
  }
}

function hasIpv6Loopback(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(0, '::1', () => server.close(() => resolve(true)));
  });
}

async function startTarget(
  binary: string,
  directory: string,
  certificates: Certificates | undefined,
  ipv6: boolean,
): Promise<{ target: Target; stop: () => Promise<void> }> {
  const kinds: Receiver[] = [
    'plain',
    ...(certificates ? (['tls', 'mtls'] as const) : []),
    ...(ipv6 ? (['ipv6'] as const) : []),
  ];
  const ports = await freePorts(...kinds.flatMap((kind) => [`${kind} http` as const, `${kind} grpc` as const]));
  const receivers = kinds.map((kind) => {
    const host = kind === 'ipv6' ? '[::1]' : '127.0.0.1';
    const settings = { include_metadata: true, ...tlsOf(kind, certificates) };
    const http = { endpoint: `${host}:${ports[`${kind} http`]}`, ...settings };
    const grpc = { endpoint: `${host}:${ports[`${kind} grpc`]}`, ...settings };
    return [`otlp/${kind}`, { protocols: { http, grpc } }] as const;
  });
  const output = join(directory, 'output.jsonl');
  const config = writeConfig(directory, 'protocols', {
    receivers: Object.fromEntries(receivers),
    processors: {
      attributes: {
        actions: [{ key: HEADER_ATTRIBUTE, action: 'insert', from_context: `metadata.${HEADER}` }],
      },
    },
    exporters: { file: { path: output, flush_interval: '100ms' } },
    service: {
      pipelines: {
        traces: { receivers: receivers.map(([name]) => name), processors: ['attributes'], exporters: ['file'] },
      },
      telemetry: { metrics: { level: 'none' } },
    },
  });
  const collector = await startCollector({ binary, configs: [config], port: ports['plain http'] });
  const port = (receiver: Receiver, protocol: Protocol) =>
    ports[`${receiver} ${protocol === 'grpc' ? 'grpc' : 'http'}`];
  return { target: { output, directory, certificates, port }, stop: () => collector.stop() };
}

function tlsOf(kind: Receiver, certificates: Certificates | undefined): object {
  if (!certificates || (kind !== 'tls' && kind !== 'mtls')) return {};
  const { ca, serverCertificate, serverKey } = certificates;
  return {
    tls: { cert_file: serverCertificate, key_file: serverKey, ...(kind === 'mtls' && { client_ca_file: ca }) },
  };
}
