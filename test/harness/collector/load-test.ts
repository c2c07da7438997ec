/** Applications under load on two tiers of Collectors, and what has arrived of their runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readOutput } from './collector-process.js';
import { type Arrival, arrivalOf, type SentRun } from './expected-runs.js';
import type { LoadResult } from './load.js';
import type { Tiers } from './tiers.js';

const LOAD = fileURLToPath(new URL('./load.js', import.meta.url));
const POLL_MILLIS = 1000;

/** How much load there is, from both applications together. */
export interface Load {
  runs: number;
  perSecond: number;
  slowMillis: number;
}

/** Runs one application beside each Collector of the first tier, and `disturb` at the given part of the load. */
export async function playLoad(
  tiers: Tiers,
  directory: string,
  { runs, perSecond, slowMillis }: Load,
  disturbance: { at: number; disturb: () => Promise<void> },
): Promise<LoadResult> {
  const started: Promise<unknown>[] = [];
  const applications = tiers.first.map(async ({ endpoint }, i) => {
    const file = join(directory, `application-${i}.json`);
    const args = [LOAD, file, runs / 2, perSecond / 2, slowMillis].map(String);
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: {
        ...process.env,
        OTEL_SERVICE_NAME: `application-${i}`,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      },
    });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    started.push(Promise.race([once(child, 'message'), closed]));
    const log = child.stderr ? await text(child.stderr) : '';
    const status = await closed;
    if (status !== 0) throw new Error(`an application exited with ${status}:\n${log}`);
    return JSON.parse(readFileSync(file, 'utf8')) as LoadResult;
  });
  const disturbed = Promise.all(started)
    .then(() => sleep((disturbance.at * runs * 1000) / perSecond))
    .then(disturbance.disturb);
  const [results] = await Promise.all([Promise.all(applications), disturbed]);
  return {
    runs: results.flatMap((result) => result.runs),
    spanCount: results.reduce((sum, { spanCount }) => sum + spanCount, 0),
    sentCount: results.reduce((sum, { sentCount }) => sum + sentCount, 0),
  };
}

/** What the second tier's archives have of these runs, once every queue is empty and nothing came for `quietMillis`. */
export async function arrivedAtArchives(tiers: Tiers, runs: readonly SentRun[], quietMillis: number): Promise<Arrival> {
  const files = tiers.second.map(({ archive }) => archive);
  let byteCount = 0;
  for (let quiet = 0; quiet < quietMillis; quiet += POLL_MILLIS) {
    await sleep(POLL_MILLIS);
    const now = files.reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0);
    const queued = await Promise.all([...tiers.first, ...tiers.second].map((node) => node.queuedBytes()));
    if (now !== byteCount || queued.some((bytes) => bytes > 0)) quiet = 0;
    byteCount = now;
  }
  return arrivalOf(runs, files.flatMap(readOutput));
}
