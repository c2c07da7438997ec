/** The two tiers of examples/collector under load, while one of their Collectors is killed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findJaeger, type Jaeger, startJaeger } from '../../support/jaeger.js';
import { type Checks, say } from '../jaeger/checks.js';
import { measureCapacity } from './capacity.js';
import type { Arrival, SentRun } from './expected-runs.js';
import { arrivedAtArchives, arrivedAtBackend, type Load, playLoad } from './load-test.js';
import { type CollectorNode, startTiers, type TierSettings, type Tiers } from './tiers.js';

const SETTINGS: TierSettings = { decisionWaitAfterRootMillis: 4000, slowMillis: 2000, sharePercent: 5 };
const PER_SECOND = 250;
/** Nothing more is decided after this. */
const QUIET_MILLIS = SETTINGS.decisionWaitAfterRootMillis + 4000;
/** For how long a Collector is gone. */
const OUTAGE_MILLIS = 3000;
/** From the end of a run until all of its spans have reached the second tier. */
const DELIVERY_MILLIS = 3000;
/** How many of the kept runs are looked up in Jaeger. */
const LOOKED_UP = 20;

/** Makes the checks with so many runs, and prints what it measures. */
export async function checkScale(checks: Checks, binary: string, directory: string, runs: number): Promise<void> {
  const found = await findJaeger();
  const jaeger = found && (await startJaeger(found.binary, found.version));
  const tiers = await startTiers(binary, join(directory, 'tiers'), SETTINGS, jaeger?.endpoint);
  const load = (share: number): Load => ({
    runs: 2 * Math.round((runs * share) / 2),
    perSecond: PER_SECOND,
    slowMillis: SETTINGS.slowMillis,
  });
  try {
    await checkFirstTierRestart(checks, tiers, directory, load(1), jaeger);
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      await measureLoss(checks, tiers, directory, load(0.5), signal);
    }
  } finally {
    await tiers.stop();
    await jaeger?.stop();
  }
  await measureCapacity(binary, directory, runs);
}

async function checkFirstTierRestart(
  checks: Checks,
  tiers: Tiers,
  directory: string,
  load: Load,
  jaeger: Jaeger | undefined,
): Promise<void> {
  const [killed] = tiers.first;
  let queued = 0;
  const result = await playLoad(tiers, directory, load, {
    at: 0.4,
    disturb: async () => {
      // With one Collector of the second tier halted, requests wait in the first tier's queue.
      tiers.second[0].pause();
      await sleep(OUTAGE_MILLIS);
      queued = (await killed.telemetry()).sum('otelcol_exporter_queue_size');
      await killed.stop('SIGKILL');
      tiers.second[0].resume();
      await sleep(OUTAGE_MILLIS);
      await killed.start();
    },
  });
  const worth = result.runs.filter(({ worthALook }) => worthALook);
  const rest = result.runs.filter(({ worthALook }) => !worthALook);
  const archived = await arrivedAtArchives(tiers, result.runs, QUIET_MILLIS);
  const keptOfRest = archived.complete.filter(({ worthALook }) => !worthALook).length;
  say(`  ${result.runs.length} runs, ${result.spanCount} spans, ${load.perSecond} runs a second`);
  say(`  ${queued} bytes waited in the queue of the Collector that was killed`);
  say(`  kept: ${worth.length} that should be, and ${keptOfRest} of ${rest.length} others`);
  say(`  ${archived.duplicates} spans arrived twice`);

  await checks.check('the applications delivered every span', () => {
    assert.equal(result.runs.length, load.runs);
    assert.equal(result.sentCount, result.spanCount);
  });
  await checks.check('requests waited in the queue of the Collector that was killed', () => assert.ok(queued > 0));
  await checks.check('every run that should be kept is complete', () => assertComplete(worth, archived));
  await checks.check('no run is kept in part', () => assert.deepEqual(archived.inPart, []));
  await checks.check(`about ${SETTINGS.sharePercent} % of the other runs are kept`, () => {
    const percent = (100 * keptOfRest) / rest.length;
    assert.ok(Math.abs(percent - SETTINGS.sharePercent) < SETTINGS.sharePercent / 2, `${percent} %`);
  });
  await checks.check('the backend has the same runs', async () => {
    const delivered = await arrivedAtBackend(tiers, result.runs, QUIET_MILLIS);
    assertComplete(archived.complete, delivered);
    assert.equal(delivered.complete.length, archived.complete.length);
  });
  if (jaeger) {
    await checks.check('Jaeger has them too', async () => {
      for (const { traceId, spanIds } of archived.complete.slice(0, LOOKED_UP)) {
        assert.equal((await jaeger.trace(traceId, spanIds.length)).length, spanIds.length);
      }
    });
  } else {
    checks.skip('Jaeger has them too', 'no Jaeger; name one in JAEGER_BINARY');
  }
  await checkMetrics(checks, tiers, result.runs, archived.duplicates);
}

/** The second tier counts every span, also of runs that it does not keep. */
async function checkMetrics(checks: Checks, tiers: Tiers, runs: readonly SentRun[], duplicates: number): Promise<void> {
  const total = (value: (run: SentRun) => number) => runs.reduce((sum, run) => sum + value(run), 0);
  const expected = {
    traces_span_metrics_calls_total: total(({ spanIds }) => spanIds.length),
    traces_span_metrics_events_total: total(({ attempts }) => attempts),
    gen_ai_client_operation_duration_seconds_count: total(({ steps }) => steps),
    gen_ai_client_input_tokens_total: total(({ inputTokens }) => inputTokens),
    runtrace_attempts_total: total(({ attempts }) => attempts),
  };
  const pages = await Promise.all(tiers.second.map((node) => node.spanMetrics()));
  for (const [name, value] of Object.entries(expected)) {
    const counted = pages.reduce((sum, page) => sum + page.sum(name), 0);
    say(`  ${name}: ${counted} counted, ${value} sent`);
    await checks.check(`${name} counts what was sent`, () => {
      // A span that arrives twice is counted twice.
      if (duplicates === 0) assert.equal(counted, value);
      else assert.ok(counted >= value, `${counted} of ${value}`);
    });
  }
}

/** Ends a Collector of the second tier while it holds undecided traces, and prints what that loses. */
async function measureLoss(
  checks: Checks,
  tiers: Tiers,
  directory: string,
  load: Load,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<void> {
  const [, ended] = tiers.second;
  let held = 0;
  let at = 0;
  const { runs } = await playLoad(tiers, directory, load, {
    at: 0.6,
    disturb: async () => {
      held = await tracesInMemory(ended);
      at = Date.now();
      await ended.stop(signal);
      await sleep(OUTAGE_MILLIS);
      await ended.start();
    },
  });
  const worth = runs.filter(({ worthALook }) => worthALook);
  const arrival = await arrivedAtArchives(tiers, worth, QUIET_MILLIS);
  const lost = [...arrival.missing, ...arrival.inPart];
  say(`  ${signal} of a Collector of the second tier, with ${held} traces in its memory:`);
  say(
    `    ${arrival.missing.length} of ${worth.length} runs that should be kept are lost, ${arrival.inPart.length} in part`,
  );
  say(`    ${arrival.duplicates} spans arrived twice`);
  for (const run of lost)
    say(`    lost: a run that ended ${((at - run.endedAt) / 1000).toFixed(1)} s before the signal`);
  if (signal === 'SIGKILL') {
    await checks.check('SIGKILL of a Collector of the second tier loses no more than it held', () => {
      assert.ok(lost.length <= held + load.perSecond, `${lost.length} lost`);
    });
  } else {
    await checks.check('SIGTERM of a Collector of the second tier loses no run that had arrived', () => {
      assert.deepEqual(
        lost.filter(({ endedAt }) => endedAt < at - DELIVERY_MILLIS),
        [],
      );
    });
  }
}

async function tracesInMemory(node: CollectorNode): Promise<number> {
  return (await node.telemetry()).sum('otelcol_processor_tail_sampling_sampling_traces_on_memory');
}

function assertComplete(wanted: readonly SentRun[], arrival: Arrival): void {
  const complete = new Set(arrival.complete.map(({ traceId }) => traceId));
  const missing = wanted.filter(({ traceId }) => !complete.has(traceId));
  assert.ok(wanted.length > 0, 'nothing to look for');
  assert.deepEqual(missing, [], `${missing.length} of ${wanted.length} runs are not complete`);
}
