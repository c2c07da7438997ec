/** The two tiers of examples/collector under load, while one of their Collectors is killed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findJaeger, type Jaeger, startJaeger } from '../../support/jaeger.js';
import { until } from '../../support/server-process.js';
import { type Checks, say } from '../jaeger/checks.js';
import { readOutput } from './collector-process.js';
import { type Arrival, arrivalOf, type SentRun } from './expected-runs.js';
import { arrivedAtArchives, type Load, playLoad } from './load-test.js';
import { startTiers, type TierSettings, type Tiers } from './tiers.js';

const SETTINGS: TierSettings = { decisionWaitAfterRootMillis: 4000, slowMillis: 2000, sharePercent: 5 };
const PER_SECOND = 200;
/** Nothing more is decided after this. */
const QUIET_MILLIS = SETTINGS.decisionWaitAfterRootMillis + 3000;
/** The connectors and the exporter that count have passed everything on by then. */
const COUNTED_MILLIS = 15_000;
/** The first requests have arrived by then. */
const HELD_MILLIS = 10_000;
/** For how long the queue fills, from its first request on. */
const QUEUEING_MILLIS = 2000;
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
      await until(HELD_MILLIS, async () => (await killed.queuedBytes()) > 0);
      await sleep(QUEUEING_MILLIS);
      queued = await killed.queuedBytes();
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
  await checks.check('the backend has the same runs', () => {
    const delivered = arrivalOf(result.runs, readOutput(tiers.backendOutput));
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
  await checkMetrics(checks, tiers, result.runs);
}

/** What a metric should add up to. */
interface Expected {
  what: string;
  metric: string;
  /** A part of the samples' labels. */
  label?: string;
  value: number;
}

/** The second tier counts every span, also of runs that it does not keep. */
async function checkMetrics(checks: Checks, tiers: Tiers, runs: readonly SentRun[]): Promise<void> {
  const total = (value: (run: SentRun) => number) => runs.reduce((sum, run) => sum + value(run), 0);
  const calls = 'traces_span_metrics_calls_total';
  const events = 'traces_span_metrics_events_total';
  const durations = 'gen_ai_client_operation_duration_seconds_count';
  const tokens = 'gen_ai_client_token_usage_sum';
  const expected: Expected[] = [
    { what: 'runs and steps', metric: calls, value: total((run) => run.countedSpans) },
    { what: 'attempts', metric: events, label: 'runtrace_attempt_status="', value: total((run) => run.attempts) },
    { what: 'durations', metric: durations, value: total((run) => run.steps) },
    { what: 'input tokens', metric: tokens, label: '_type="input"', value: total((run) => run.inputTokens) },
    { what: 'output tokens', metric: tokens, label: '_type="output"', value: total((run) => run.outputTokens) },
    { what: 'sums of attempts', metric: 'runtrace_attempts_total', value: total((run) => run.attempts) },
  ];
  for (const { what, metric, label, value } of expected) {
    const counts = async () => {
      const pages = await Promise.all(tiers.second.map((node) => node.spanMetrics()));
      return pages.reduce((sum, page) => sum + page.sum(metric, label), 0);
    };
    await until(COUNTED_MILLIS, async () => (await counts()) >= value);
    const counted = await counts();
    say(`  ${what}: ${counted} counted, ${value} sent`);
    await checks.check(`${metric} counts the ${what}`, () => {
      // A span that arrives twice is counted twice: the restart makes some of those, in runs that are not kept too.
      assert.ok(counted >= value, `${counted} of ${value}`);
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
      await until(HELD_MILLIS, async () => {
        held = await ended.tracesInMemory();
        return held > 0;
      });
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
  if (lost.length > 0) {
    const seconds = lost.map(({ endedAt }) => (at - endedAt) / 1000);
    const [earliest, latest] = [Math.max(...seconds), Math.min(...seconds)].map((value) => value.toFixed(1));
    say(`    the lost ones ended ${earliest} s to ${latest} s before the signal`);
  }
  await checks.check(`the Collector held undecided traces at the ${signal}`, () => assert.ok(held > 0));
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

function assertComplete(wanted: readonly SentRun[], arrival: Arrival): void {
  const complete = new Set(arrival.complete.map(({ traceId }) => traceId));
  const missing = wanted.filter(({ traceId }) => !complete.has(traceId));
  assert.ok(wanted.length > 0, 'nothing to look for');
  assert.deepEqual(missing, [], `${missing.length} of ${wanted.length} runs are not complete`);
}
