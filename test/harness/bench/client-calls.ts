/** What a call of the `openai` client costs, beside spans that are written by hand. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type OpenAI from 'openai';
import { type Capture, wrapFetch } from 'runtrace';
import { handMade, inContext } from './by-hand.js';
import { answerFetch, client, MESSAGES } from './calls.js';
import { figure, measure, type Row, warmUp } from './measure.js';
import { readingFetch } from './reading-fetch.js';
import { exportedBy, setup } from './setup.js';

const call = (openai: OpenAI) => openai.chat.completions.create({ model: 'gpt-5', messages: MESSAGES });

interface Comparison {
  readonly floor: string;
  readonly goal: number;
  readonly capture?: Capture;
  /** Whether each call is a run of its own, and by hand two spans. */
  readonly ownRuns?: boolean;
  readonly exporter?: SpanExporter;
}

/** The client alone costs more than all tracing: what is compared is what each adds to it. */
async function compare({ floor, goal, capture = 'metadata', ownRuns = false, exporter }: Comparison): Promise<Row> {
  const { tracer, recorder, flush } = setup({ capture }, exporter);
  const bare = client(answerFetch);
  const recorded = client(wrapFetch(answerFetch));
  const [ofStep, ofRun] = await exportedBy({ capture }, async ({ run }) => {
    await run({ kind: 'bench' }, () => call(recorded));
  });
  if (!ofStep || !ofRun) throw new Error('the call was not exported');
  const step = handMade(ofStep);
  const run = handMade(ofRun);
  const times = (once: () => Promise<unknown>) => async (count: number) => {
    for (let i = 0; i < count; i++) await once();
  };
  const ours = ownRuns
    ? times(() => recorder.run({ kind: 'bench' }, () => call(recorded)))
    : (count: number) => recorder.run({ kind: 'bench' }, () => times(() => call(recorded))(count));
  const byHand = times(() => {
    const inStep = () => step(tracer, () => call(bare));
    return ownRuns ? run(tracer, inStep) : inStep();
  });
  const readingClient = client(readingFetch(answerFetch, tracer, ofStep));
  const read = () => call(readingClient);
  const reading = ownRuns ? times(() => run(tracer, read)) : inContext(tracer, times(read));
  // What is exported is part of the cost.
  const flushed = (work: (count: number) => Promise<void>) => async (count: number) => {
    await work(count);
    if (exporter) await flush();
  };
  const pair = { count: 200, floor: times(() => call(bare)), between: flush };
  const recordedCost = await measure({ ...pair, ours: flushed(ours) });
  const handCost = await measure({ ...pair, ours: flushed(byHand) });
  const readingCost = await measure({ ...pair, ours: flushed(reading) });
  const ratio = recordedCost.added.median / handCost.added.median;
  return {
    floor,
    figures: `${ratio.toPrecision(3)} x; +${recordedCost.added.median.toFixed(1)} us, by hand +${handCost.added.median.toFixed(1)} us, a fetch that only reads +${readingCost.added.median.toFixed(1)} us, the bare call ${recordedCost.floor.median.toFixed(0)} us`,
    goal: `<= ${goal} x`,
    ofGoal: ratio / goal,
  };
}

const encoding: SpanExporter = {
  export(spans, done) {
    ProtobufTraceSerializer.serializeRequest(spans);
    done({ code: 0 });
  },
  shutdown: async () => {},
};

export const clientCall = () => compare({ floor: 'what a hand-written span adds to the same call', goal: 2 });

export const clientCallEncoded = () =>
  compare({
    floor: 'what the same two spans, attributes and event add by hand; both encoded to Protobuf',
    goal: 1.3,
    ownRuns: true,
    exporter: encoding,
  });

export const clientCallWithContent = () =>
  compare({ floor: 'what a hand-written span with the same strings adds', goal: 3, capture: 'content' });

const AT_ONCE = 1000;
/** The answers arrive over so long. */
const SPREAD_MILLIS = 500;

/** The event loop's delay while many calls are in flight. */
export async function callsAtOnce(): Promise<Row> {
  let next = 0;
  const slowFetch: typeof globalThis.fetch = async () => {
    await sleep(50 + ((next++ * 7919) % SPREAD_MILLIS));
    return answerFetch();
  };
  const { recorder, flush } = setup();
  const bare = client(slowFetch);
  const recorded = client(wrapFetch(slowFetch));
  const all = (openai: OpenAI) => Promise.all(Array.from({ length: AT_ONCE }, () => call(openai)));
  const p99 = async (work: () => Promise<unknown>) => {
    globalThis.gc?.({ type: 'minor' });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await work();
    delay.disable();
    await flush();
    return delay.percentile(99) / 1e6;
  };
  const round = async () => ({
    ours: await p99(() => recorder.run({ kind: 'bench' }, () => all(recorded))),
    bare: await p99(() => all(bare)),
  });
  // A round has a thousand calls.
  await warmUp(round, 4000, 3);
  const rounds: Awaited<ReturnType<typeof round>>[] = [];
  for (let i = 0; i < 15; i++) rounds.push(await round());
  const [ourDelay, bareDelay] = [figure(rounds.map((it) => it.ours)), figure(rounds.map((it) => it.bare))];
  const ratio = ourDelay.median / bareDelay.median;
  return {
    floor: `the bare client; the answers arrive over ${SPREAD_MILLIS} ms`,
    figures: `${ratio.toPrecision(3)} x; p99 ${ourDelay.median.toFixed(2)} ms (${ourDelay.low.toFixed(2)} to ${ourDelay.high.toFixed(2)}), bare ${bareDelay.median.toFixed(2)} ms (${bareDelay.low.toFixed(2)} to ${bareDelay.high.toFixed(2)})`,
    goal: '<= 1.1 x',
    ofGoal: ratio / 1.1,
  };
}
