import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { RunIdGenerator } from 'runtrace';
import { type SettledRun, sampledByTraceId } from 'runtrace/exporter';
import { delivered } from '../../support/delivered.js';
import { diagnosed } from '../../support/diagnosed.js';
import { only } from '../../support/traced.js';

const idWith = (last14: string) => `0123456789abcdef01${last14}`;
/** In the top half of all ids, and no more: sampled from a ratio of 0.5. */
const HALF = idWith('80000000000000');
const HALF_RUN_ID = '01234567-89ab-4def-8180-000000000000';

describe('sampledByTraceId', () => {
  const cases: [traceId: string, ratio: number, isSampled: boolean][] = [
    [idWith('00000000000000'), 1, true],
    [idWith('00000000000000'), 0.999_999, false],
    [idWith('ffffffffffffff'), 0, false],
    [idWith('ffffffffffffff'), 1e-15, true],
    [HALF, 0.5, true],
    [HALF, 0.499_999, false],
    [idWith('7fffffffffffff'), 0.5, false],
    [HALF.toUpperCase(), 0.5, true],
    // The rest of the id has no influence: https://www.w3.org/TR/trace-context-2/#randomness-of-trace-id
    [`${'f'.repeat(18)}00000000000000`, 0.5, false],
    [`${'0'.repeat(18)}ffffffffffffff`, 0.5, true],
  ];
  for (const [traceId, ratio, isSampled] of cases) {
    test(`of ${traceId} at ${ratio} is ${isSampled}`, () => {
      assert.equal(sampledByTraceId(traceId, ratio), isSampled);
    });
  }

  test('takes its share of random ids, and of the ids of UUIDs', () => {
    const generator = new RunIdGenerator();
    const makers = [() => generator.generateTraceId(), () => crypto.randomUUID().replaceAll('-', '')];
    for (const make of makers) {
      const ids = Array.from({ length: 20_000 }, make);
      for (const ratio of [0.01, 0.05, 0.5, 0.9]) {
        const share = ids.filter((id) => sampledByTraceId(id, ratio)).length / ids.length;
        // Six standard deviations: one failure in some hundred million.
        const tolerance = 6 * Math.sqrt((ratio * (1 - ratio)) / ids.length);
        assert.ok(Math.abs(share - ratio) < tolerance, `${share} at ${ratio}`);
      }
    }
  });

  test('a trace that is sampled at a ratio is sampled at every larger one', () => {
    for (let i = 0; i < 1000; i++) {
      const id = crypto.randomUUID().replaceAll('-', '');
      const answers = [0, 0.001, 0.01, 0.1, 0.3, 0.7, 0.99, 1].map((ratio) => sampledByTraceId(id, ratio));
      assert.deepEqual(answers, [...answers].sort());
    }
  });

  test('says the same in another process', () => {
    const ids = Array.from({ length: 200 }, () => crypto.randomUUID().replaceAll('-', ''));
    const code = `import { sampledByTraceId } from 'runtrace/exporter';
      console.log(JSON.stringify(${JSON.stringify(ids)}.map((id) => sampledByTraceId(id, 0.3))));`;
    const theirs = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' });
    assert.deepEqual(
      JSON.parse(theirs),
      ids.map((id) => sampledByTraceId(id, 0.3)),
    );
  });

  const bad: [traceId: unknown, ratio: unknown, message: RegExp][] = [
    ['abc', 0.5, /traceId must be 32 hex digits, got 'abc'/],
    [undefined, 0.5, /traceId/],
    ['g'.repeat(32), 0.5, /traceId/],
    [HALF, 5, /ratio must be a number from 0 to 1, got 5/],
    [HALF, -0.1, /ratio/],
    [HALF, Number.NaN, /ratio/],
    [HALF, undefined, /ratio/],
    [HALF, '0.5', /ratio/],
  ];
  for (const [traceId, ratio, message] of bad) {
    test(`of ${String(traceId)} at ${typeof ratio} ${String(ratio)} throws a TypeError`, () => {
      assert.throws(() => sampledByTraceId(traceId as string, ratio as number), { name: 'TypeError', message });
    });
  }
});

describe('runtrace.run.sampling_ratio', () => {
  /** The ratio on the one run with an id that is sampled from 0.5, or why there is none. */
  async function ratioWith(keep: (run: SettledRun) => boolean): Promise<unknown> {
    const { recorder, flushed, processor } = delivered({ keep });
    await recorder.run({ kind: 'chat_turn', id: HALF_RUN_ID }, () => recorder.step({ model: 'm' }, () => {}));
    const spans = await flushed();
    if (spans.length === 0) return processor.stats().notKept.runs === 1 ? 'not kept' : 'lost';
    const root = only(spans.filter(({ name }) => name === 'invoke_workflow chat_turn'));
    return root.attributes['runtrace.run.sampling_ratio'];
  }
  const sampled = ({ traceId }: SettledRun, ratio: number) => sampledByTraceId(traceId, ratio);

  const cases: [title: string, keep: (run: SettledRun) => boolean, ratio: unknown][] = [
    ['the ratio, if nothing else kept the run', (run) => run.failedAttempts > 0 || sampled(run, 0.5), 0.5],
    ['the ratio, if it was asked first', (run) => sampled(run, 0.5) || run.failedAttempts > 0, 0.5],
    ['absent, if the run was kept without it', (run) => run.stepCount > 0 || sampled(run, 0.5), undefined],
    [
      'absent, if it was asked first and another reason held too',
      (run) => sampled(run, 0.5) || run.stepCount > 0,
      undefined,
    ],
    ['the ratio, if another condition must hold too', (run) => sampled(run, 0.5) && run.stepCount > 0, 0.5],
    ['the ratio of the branch', (run) => sampled(run, run.kind === 'chat_turn' ? 0.75 : 0.1), 0.75],
    ['the largest ratio, if a smaller one holds too', (run) => sampled(run, 0.6) || sampled(run, 0.8), 0.8],
    ['the ratio that held', (run) => sampled(run, 0.1) || sampled(run, 0.8), 0.8],
    ['1, if all are sampled', (run) => sampled(run, 1), 1],
    ['absent, if the run is kept because it is not sampled', (run) => !sampled(run, 0.1), undefined],
    ['absent: the sampling that says no is obeyed', (run) => sampled(run, 0.1), 'not kept'],
    ['absent: keep that negates it is obeyed', (run) => !sampled(run, 0.9), 'not kept'],
  ];
  for (const [title, keep, ratio] of cases) {
    test(`is ${title}`, async () => {
      assert.equal(await ratioWith(keep), ratio);
    });
  }

  test('is absent, and the run is kept, if the ratio can not be used', async (t) => {
    const messages = diagnosed(t);
    assert.equal(await ratioWith((run) => sampled(run, 5)), undefined);
    assert.equal(messages.length <= 1, true);
  });

  test('is not seen by other processors: to them the run is not sampled', async () => {
    const seen: unknown[] = [];
    const spy = {
      onStart() {},
      onEnd: (span: { attributes: object }) => void seen.push('runtrace.run.sampling_ratio' in span.attributes),
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    const { recorder, flushed } = delivered({ keep: (run) => sampled(run, 1), spanProcessors: [spy] });
    await recorder.run({ kind: 'chat_turn' }, () => {});
    const spans = await flushed();
    assert.deepEqual(seen, [false]);
    assert.equal(only(spans).attributes['runtrace.run.sampling_ratio'], 1);
  });

  test('of an outer run is right, if keep itself runs and ends another run', async () => {
    const { recorder, flushed } = delivered({
      keep: (run) => {
        if (run.kind === 'outer') recorder.startRun({ kind: 'inner', id: HALF_RUN_ID })[Symbol.dispose]();
        return sampled(run, 1);
      },
    });
    await recorder.run({ kind: 'outer' }, () => {});
    const outer = (await flushed()).find(({ name }) => name === 'invoke_workflow outer');
    assert.equal(outer?.attributes['runtrace.run.sampling_ratio'], 1);
  });
});
