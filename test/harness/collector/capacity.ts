/** What a run costs each tier: CPU time, and memory while it is undecided. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resources } from '@opentelemetry/sdk-node';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { createRecorder, StatusPrioritySpanProcessor } from 'runtrace';
import { type Checks, say } from '../jaeger/checks.js';
import { RunCollector } from './expected-runs.js';
import { playRun } from './runs.js';
import { type CollectorNode, startTiers, type Tiers } from './tiers.js';

/** So that many runs are undecided at once. */
const DECISION_WAIT_MILLIS = 5000;
const POLL_MILLIS = 500;
const IDLE_MILLIS = 2000;
const SPANS_PER_REQUEST = 512;
const CONCURRENT_REQUESTS = 4;
/** Below `limits.openRuns`: beyond that, runtrace would end the oldest early. */
const RUNS_AT_ONCE = 1000;
const CONTENTS = [
  { name: 'metadata', contentCharacters: 0 },
  { name: 'content, 4000 characters for each prompt and answer', contentCharacters: 4000 },
];

/** Requests that are ready to be sent. */
interface Prepared {
  requests: Buffer[];
  spanCount: number;
  /** Before compression. */
  byteCount: number;
}

/** What one Collector used. */
interface Used {
  cpuSeconds: number;
  memoryBytes: number;
}

/** One measurement for each content, with Collectors of its own. */
export async function measureCapacity(checks: Checks, binary: string, directory: string, runs: number): Promise<void> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  for (const { name, contentCharacters } of CONTENTS) {
    const prepared = await prepareRequests(runs, contentCharacters);
    const settings = { decisionWaitAfterRootMillis: DECISION_WAIT_MILLIS, slowMillis: 60_000, sharePercent: 5 };
    const tiers = await startTiers(binary, join(directory, `capacity-${contentCharacters}`), settings);
    try {
      await measure(checks, name, tiers, prepared, runs);
    } finally {
      await tiers.stop();
    }
  }
}

async function measure(
  checks: Checks,
  name: string,
  { first: [first], second }: Tiers,
  { requests, spanCount, byteCount }: Prepared,
  runs: number,
): Promise<void> {
  const nodes = [first, ...second];
  const idle = await Promise.all(nodes.map(idleRate));
  const before = nodes.map((node) => ({ cpu: node.cpuSeconds(), memory: node.residentBytes().now }));
  const startedAt = performance.now();
  const sending = sendAll(`${first.endpoint}/v1/traces`, requests);
  const sentSeconds = sending.then(() => (performance.now() - startedAt) / 1000);
  const mostUndecided = await mostTracesInMemory(second, sentSeconds);
  const seconds = (performance.now() - startedAt) / 1000;
  const [one, ...others] = nodes.map(
    (node, i): Used => ({
      cpuSeconds: node.cpuSeconds() - (before[i]?.cpu ?? 0) - seconds * (idle[i] ?? 0),
      memoryBytes: node.residentBytes().peak - (before[i]?.memory ?? 0),
    }),
  );
  const sum = (value: (used: Used) => number) => others.reduce((total, used) => total + value(used), 0);
  const memory = Math.round(sum((used) => used.memoryBytes) / mostUndecided);
  const size = `${spanCount / runs} spans and ${Math.round(byteCount / runs)} bytes each`;
  say(`  ${name}: ${runs} runs, ${size}, sent in ${(await sentSeconds).toFixed(1)} s`);
  say(`    first tier: ${perRun(one?.cpuSeconds ?? 0, runs)}`);
  say(
    `    second tier: ${perRun(
      sum((used) => used.cpuSeconds),
      runs,
    )}`,
  );
  say(`    second tier: ${memory} bytes of memory for each of at most ${mostUndecided} undecided runs`);
  await checks.check(`${name}: the second tier took every span`, async () => {
    const accepted = await Promise.all(second.map((node) => node.acceptedSpans()));
    assert.ok(accepted.reduce((total, count) => total + count, 0) >= spanCount, `${accepted} of ${spanCount}`);
  });
}

/** Watches until all is sent and decided. */
async function mostTracesInMemory(second: Tiers['second'], sent: Promise<unknown>): Promise<number> {
  let isSent = false;
  const sending = sent.then(() => {
    isSent = true;
  });
  for (let most = 0; ; ) {
    // Rejects if the sending does.
    await Promise.race([sleep(POLL_MILLIS), sending.then(() => sleep(POLL_MILLIS))]);
    const traces = await Promise.all(second.map((node) => node.tracesInMemory()));
    const now = traces.reduce((total, count) => total + count, 0);
    most = Math.max(most, now);
    if (isSent && most > 0 && now === 0) return most;
  }
}

/** As an application sends them: Protobuf, in gzip. */
async function prepareRequests(runs: number, contentCharacters: number): Promise<Prepared> {
  const collector = new RunCollector();
  const tracerProvider = new BasicTracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': 'capacity', 'host.name': 'localhost' }),
    spanProcessors: [new StatusPrioritySpanProcessor(), collector],
  });
  const recorder = createRecorder({ tracerProvider, capture: contentCharacters > 0 ? 'content' : 'metadata' });
  for (let played = 0; played < runs; played += RUNS_AT_ONCE) {
    const atOnce = Array.from({ length: Math.min(RUNS_AT_ONCE, runs - played) }, (_, i) => played + i);
    await Promise.all(atOnce.map((i) => playRun(recorder, i, { slowMillis: 100, contentCharacters })));
  }
  await tracerProvider.shutdown();
  const spans = collector.spans();
  const requests: Buffer[] = [];
  let byteCount = 0;
  for (let i = 0; i < spans.length; i += SPANS_PER_REQUEST) {
    const body = ProtobufTraceSerializer.serializeRequest(spans.slice(i, i + SPANS_PER_REQUEST)) ?? new Uint8Array();
    byteCount += body.length;
    requests.push(gzipSync(body));
  }
  return { requests, spanCount: spans.length, byteCount };
}

async function sendAll(url: string, requests: readonly Buffer[]): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
  const queue = requests.values();
  const send = async () => {
    for (const body of queue) {
      const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
      if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, send));
}

/** CPU seconds a second that it takes without load. */
async function idleRate(node: CollectorNode): Promise<number> {
  const before = node.cpuSeconds();
  await sleep(IDLE_MILLIS);
  return (node.cpuSeconds() - before) / (IDLE_MILLIS / 1000);
}

function perRun(cpuSeconds: number, runs: number): string {
  const millis = (cpuSeconds * 1000) / runs;
  return `${millis.toFixed(3)} ms of CPU a run, ${Math.round(1000 / millis)} runs a second on one core`;
}
