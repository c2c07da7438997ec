/**
 * An application under load, in a process of its own: plays RUNS runs, PER_SECOND a second, and delivers them as the
 * `OTEL_EXPORTER_OTLP_*` variables say. Writes to FILE what it sent. Arguments: FILE RUNS PER_SECOND SLOW_MILLIS
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { createRecorder } from 'runtrace';
import { createDelivery } from './application.js';
import { RunCollector, type SentRun } from './expected-runs.js';
import { playRun } from './runs.js';

/** What the process leaves in its file. */
export interface LoadResult {
  runs: SentRun[];
  spanCount: number;
  /** How many spans the exporter counts as delivered. */
  sentCount: number;
}

const TICK_MILLIS = 50;

const [file = '', runCount = 0, perSecond = 0, slowMillis = 0] = process.argv
  .slice(2)
  .map((argument, i) => (i === 0 ? argument : Number(argument))) as [string, number, number, number];

const delivery = createDelivery();
const collector = new RunCollector();
const sdk = new NodeSDK({ spanProcessors: [...delivery.spanProcessors, collector] });
sdk.start();
const recorder = createRecorder();
// The process that started this one times its disturbance by this.
process.send?.('started');
process.disconnect?.();
const startedAt = performance.now();
const playing: Promise<void>[] = [];
while (playing.length < runCount) {
  const due = Math.min(runCount, ((performance.now() - startedAt) / 1000) * perSecond);
  while (playing.length < due) playing.push(playRun(recorder, playing.length, { slowMillis, contentCharacters: 0 }));
  await sleep(TICK_MILLIS);
}
await Promise.all(playing);
await sdk.shutdown();

const runs = collector.runs(slowMillis);
const spanCount = runs.reduce((count, { spanIds }) => count + spanIds.length, 0);
const result: LoadResult = { runs, spanCount, sentCount: delivery.sentCount() };
writeFileSync(file, JSON.stringify(result));
