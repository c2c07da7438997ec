/** What a run costs each tier: CPU time, and memory while it is undecided. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resources } from '@opentelemetry/sdk-node';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { createRecorder, StatusPrioritySpanProcessor } from 'runtrace';
import { say } from '../jaeger/checks.js';
import { RunCollector } from './expected-runs.js';
import { playRun } from './runs.js';
import { type CollectorNode, startTiers } from './tiers.js';

/** Longer than it takes to send everything: at the end of that, nothing is decided. */
const DECISION_WAIT_MILLIS = 15_000;
const DECIDED_MILLIS = 6000;
const IDLE_MILLIS = 2000;
const SPANS_PER_REQUEST = 512;
const CONCURRENT_REQUESTS = 4;
const CONTENTS = [
  { name: 'metadata', contentCharacters: 0 },
  { name: 'content, 4000 characters for each prompt and answer', contentCharacters: 4000 },
];

/** One measurement, each with Collectors of its own. */
export async function measureCapacity(binary: string, directory: string, runs: number): Promise<void> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  for (const { name, contentCharacters } of CONTENTS) {
    const { requests, spanCount, byteCount } = await prepareRequests(runs, contentCharacters);
    const settings = { decisionWaitAfterRootMillis: DECISION_WAIT_MILLIS, slowMillis: 60_000, sharePercent: 5 };
    const tiers = await startTiers(binary, join(directory, `capacity-${contentCharacters}`), settings);
    try {
      const [first] = tiers.first;
      const idle = await Promise.all([idleRate(first), ...tiers.second.map(idleRate)]);
      const before = [first, ...tiers.second].map((node) => ({
        cpu: node.cpuSeconds(),
        rss: node.residentBytes().now,
      }));
      const startedAt = performance.now();
      await sendAll(`${first.endpoint}/v1/traces`, requests);
      const sentSeconds = (performance.now() - startedAt) / 1000;
      await sleep(DECISION_WAIT_MILLIS + DECIDED_MILLIS);
      const seconds = (performance.now() - startedAt) / 1000;
      const used = [first, ...tiers.second].map((node, i) => ({
        cpu: node.cpuSeconds() - (before[i]?.cpu ?? 0) - seconds * (idle[i] ?? 0),
        memory: node.residentBytes().peak - (before[i]?.rss ?? 0),
      }));
      const [one = { cpu: 0, memory: 0 }, ...others] = used;
      const secondCpu = others.reduce((sum, { cpu }) => sum + cpu, 0);
      const secondMemory = others.reduce((sum, { memory }) => sum + memory, 0);
      say(
        `  ${name}: ${runs} runs, ${spanCount / runs} spans and ${Math.round(byteCount / runs)} bytes each, sent in ${sentSeconds.toFixed(1)} s`,
      );
      say(`    first tier: ${perRun(one.cpu, runs)}`);
      say(
        `    second tier: ${perRun(secondCpu, runs)}, ${Math.round(secondMemory / runs)} bytes of memory an undecided run`,
      );
    } finally {
      await tiers.stop();
    }
  }
}

/** As an application sends them: Protobuf, in gzip. */
async function prepareRequests(
  runs: number,
  contentCharacters: number,
): Promise<{ requests: Buffer[]; spanCount: number; byteCount: number }> {
  const collector = new RunCollector();
  const tracerProvider = new BasicTracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': 'capacity', 'host.name': 'localhost' }),
    spanProcessors: [new StatusPrioritySpanProcessor(), collector],
  });
  const recorder = createRecorder({ tracerProvider, capture: contentCharacters > 0 ? 'content' : 'metadata' });
  await Promise.all(
    Array.from({ length: runs }, (_, i) => playRun(recorder, i, { slowMillis: 100, contentCharacters })),
  );
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
