/** Plays the cases with a framework, in its own process, and tells the parent process what was recorded. */
import assert from 'node:assert/strict';
import { trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Recorder, RecorderOptions } from 'runtrace';
import { startProvider } from '../../../../examples/demo/provider.js';
import type { WireFormat } from '../../../../examples/demo/wire/format.js';
import { attemptsOf, only, outcomesOf, type Traced, traced } from '../../../support/traced.js';
import { until } from '../../../support/until.js';
import { CASES, type Case, type Framework } from './cases.js';
import type { Recorded } from './otlp.js';

/** How one case went. */
export interface Verdict {
  readonly case: string;
  /** What is wrong; `undefined` if it is right. */
  readonly wrong?: string | undefined;
}

/** What an application's process tells its parent. */
export interface Played {
  readonly verdicts: readonly Verdict[];
  /** What of `runs`, `steps`, `attempts` and `tools` was recorded. */
  readonly recorded: readonly string[];
  /** The spans that the framework made by itself, in Markdown. */
  readonly ownSpans: readonly string[];
}

/** Another case of one framework. */
export interface OwnCase {
  readonly name: string;
  readonly script?: Case['script'];
  play(model: string): Promise<unknown>;
  /** Throws unless what was recorded is right. */
  judge(recorded: Recorded, model: string): void;
}

/** What one process plays. */
export interface Programme {
  /** The framework, or each way in which it can be used. */
  readonly ways: Readonly<Record<string, Framework>>;
  /** Whether the application begins the run. Default: the harness does, around each case. */
  readonly beginsRun?: boolean;
  readonly more?: readonly OwnCase[];
  /** The `gen_ai.provider.name` of the calls. Default: `openai`. */
  readonly provider?: string;
  /** Reads what another process has recorded of a case that was played. Default: what this one has. */
  recorded?(): Promise<Recorded>;
  /** Limits that are not the default. */
  readonly limits?: RecorderOptions['limits'];
}

/** What is recorded of the case that is played now. */
let scene: Traced;

/** Begins a run of the case that is played now: for an application that serves requests. */
export const inRun: Recorder['run'] = (options, fn) => scene.recorder.run(options, fn);

/** Plays every case, and sends what came of them to the parent process. `make` gets the base URL of an API like OpenAI's. */
export async function playAll(
  make: (baseURL: string) => Programme | Promise<Programme>,
  formats: readonly WireFormat[] = [],
): Promise<void> {
  const provider = await startProvider(formats);
  const programme = await make(`${provider.url}/v1`);
  const seen: Seen = { recorded: new Set(), ownSpans: new Set() };
  const verdicts: Verdict[] = [];
  for (const one of casesOf(programme)) {
    const model = `gpt-5.${one.name.replaceAll(/\W+/g, '-')}`;
    if (one.script) provider.script(model, ...one.script);
    const wrong = await play(one, model, seen, programme).then(
      () => undefined,
      (error: Error) => error.message,
    );
    verdicts.push({ case: one.name, wrong });
  }
  await provider.close();
  send({ verdicts, recorded: [...seen.recorded], ownSpans: [...seen.ownSpans].sort() });
}

/** Sends what was played to the parent process, and ends this one. */
export function send(played: Played): void {
  process.send?.(played, () => process.exit());
}

interface Seen {
  readonly recorded: Set<string>;
  readonly ownSpans: Set<string>;
}

function casesOf({ ways, beginsRun = false, more = [], provider = 'openai' }: Programme): OwnCase[] {
  const all = Object.entries(ways).flatMap(([way, framework]) =>
    CASES.map((one): OwnCase => {
      const call = (model: string) => one.play(framework, model);
      return {
        name: Object.keys(ways).length > 1 ? `${way}: ${one.name}` : one.name,
        script: one.script,
        play: beginsRun ? call : (model) => inRun({ kind: 'chat_turn' }, () => call(model)),
        judge(recorded, model) {
          judgeSteps(recorded.steps(), one, model, provider);
          if (beginsRun) assert.equal(only(recorded.runs()).attributes['runtrace.status'], one.run);
        },
      };
    }),
  );
  return [...all, ...more];
}

async function play(one: OwnCase, model: string, seen: Seen, programme: Programme): Promise<void> {
  const { limits, beginsRun, recorded: read = recordedHere } = programme;
  scene = traced({ limits: { completedHoldMillis: 0, ...limits } });
  trace.disable();
  trace.setGlobalTracerProvider(scene.provider);
  await one.play(model);
  const recorded = await read();
  note(recorded, seen, model, beginsRun);
  one.judge(recorded, model);
}

async function recordedHere(): Promise<Recorded> {
  // A server's run ends after its answer.
  await until(() => scene.runs().length > 0);
  await scene.shutdown();
  return scene;
}

function judgeSteps(steps: readonly ReadableSpan[], one: Case, model: string, provider: string): void {
  assert.deepEqual(steps.map(outcomesOf), one.steps);
  for (const { attributes } of steps) {
    assert.equal(attributes['gen_ai.request.model'], model);
    assert.equal(attributes['gen_ai.provider.name'], provider);
    if (attributes['runtrace.status'] === 'completed') assert.ok(Number(attributes['gen_ai.usage.output_tokens']) > 0);
  }
}

function note({ spans, steps }: Recorded, { recorded, ownSpans }: Seen, model: string, beginsRun = false): void {
  if (beginsRun) recorded.add('runs');
  if (steps().length > 0) recorded.add('steps');
  if (steps().some((step) => attemptsOf(step).length > 0)) recorded.add('attempts');
  if (spans().some(isTool)) recorded.add('tools');
  for (const span of spans()) {
    const { instrumentationScope, name } = span;
    if (instrumentationScope.name === OURS) continue;
    const has = attemptsOf(span).length > 0 ? ' (has our attempts)' : '';
    ownSpans.add(`\`${name.replaceAll(model, '{model}').replace(LOOPBACK, '{server}')}\`${has}`);
  }
}

const OURS = 'runtrace';
const LOOPBACK = /http:\/\/127\.0\.0\.1:\d+/;

/** A span that `tool()` made. */
export function isTool({ instrumentationScope, attributes }: ReadableSpan): boolean {
  return instrumentationScope.name === OURS && attributes['gen_ai.operation.name'] === 'execute_tool';
}
