import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as names from '../../../src/otel/names.js';
import { startCollector } from '../../support/collector.js';
import { type Jaeger, postOtlp } from '../../support/jaeger.js';
import { documentOf, spanIdOf, traceIdOf } from './by-hand.js';
import { type Checks, say } from './checks.js';

const CONFIG = fileURLToPath(new URL('../../../../examples/jaeger/collector.yaml', import.meta.url));
const SERVICE = 'runtrace-sampling';
/** Short, so that the test is: the example waits longer than a run. */
const DECISION_WAIT_MILLIS = 2000;
const PLAIN_RUNS = 200;
const STATUS_CODES = { completed: 1, error: 2, interrupted: 0 };

interface SampledRun {
  status: keyof typeof STATUS_CODES;
  failedAttempts: number;
}

const WORTH_A_LOOK: readonly SampledRun[] = [
  { status: 'interrupted', failedAttempts: 0 },
  { status: 'error', failedAttempts: 3 },
  { status: 'error', failedAttempts: 0 },
  { status: 'completed', failedAttempts: 1 },
];

/** Sends runs through the collector of examples/jaeger, and looks at which ones are in Jaeger afterwards. */
export async function checkSampling(checks: Checks, binary: string, jaeger: Jaeger): Promise<void> {
  const collector = await startCollector(binary, CONFIG, jaeger.endpoint, DECISION_WAIT_MILLIS);
  try {
    for (const option of collector.unknownOptions) say(`  (this collector is too old for ${option}: without it)`);
    const wanted = WORTH_A_LOOK.map((_, i) => traceIdOf(1000 + i));
    const plain = Array.from({ length: PLAIN_RUNS }, (_, i) => traceIdOf(2000 + i));
    for (const [i, run] of WORTH_A_LOOK.entries())
      await sendInTwoRequests(collector.endpoint, wanted[i] as string, run);
    for (const id of plain) await sendInTwoRequests(collector.endpoint, id, { status: 'completed', failedAttempts: 0 });

    await checks.check(
      'the collector keeps every run that is interrupted, in error or had a failed attempt',
      async () => {
        for (const traceId of wanted) assert.equal((await jaeger.trace(traceId, 2)).length, 2);
      },
    );
    await checks.check('the collector keeps about a tenth of the others', async () => {
      await sleep(2 * DECISION_WAIT_MILLIS);
      const found = await jaeger.search(SERVICE, { [names.STATUS]: 'completed' });
      const kept = found.filter((traceId) => plain.includes(traceId)).length;
      assert.ok(kept > PLAIN_RUNS / 40 && kept < PLAIN_RUNS / 4, `${kept} of ${PLAIN_RUNS}`);
    });
  } finally {
    await collector.stop();
  }
}

/** The step first, as it is with a run whose steps settle before it. */
async function sendInTwoRequests(endpoint: string, traceId: string, run: SampledRun): Promise<void> {
  const status = { code: STATUS_CODES[run.status] };
  const root = spanIdOf(1);
  const step = { traceId, spanId: spanIdOf(2), parentSpanId: root, status };
  await postOtlp(
    endpoint,
    documentOf(SERVICE, [
      {
        ...step,
        attributes: { [names.STATUS]: run.status, [names.STEP_FAILED_ATTEMPT_COUNT]: run.failedAttempts },
      },
    ]),
  );
  const attributes = { [names.STATUS]: run.status, [names.RUN_FAILED_ATTEMPT_COUNT]: run.failedAttempts };
  await postOtlp(endpoint, documentOf(SERVICE, [{ traceId, spanId: root, status, attributes }]));
}
