/** What is played with each framework, and what must be recorded of it. */
import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import {
  type Answer,
  type Behaviour,
  ok,
  resetMidStream,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../../examples/demo/provider.js';
import { attemptsOf, traced } from '../../support/traced.js';

/** An application that is made with a framework. Its model client has the recording fetch. */
export interface Framework {
  /** One answer, by the retries that the framework makes. */
  generate(model: string): Promise<unknown>;
  /** A streamed answer: something for each event. */
  stream(model: string): Promise<AsyncIterable<unknown>>;
  /** Asks a model that may call {@link TOOL}, until it answers. */
  loop(model: string): Promise<unknown>;
}

/** How one case went. */
export interface Verdict {
  readonly case: string;
  /** What is wrong; `undefined` if it is right. */
  readonly wrong?: string | undefined;
}

interface Case {
  readonly name: string;
  readonly script: [Behaviour, ...Behaviour[]];
  play(framework: Framework, model: string): Promise<unknown>;
  /** The steps: how each ended, and its attempts. */
  readonly steps: readonly (readonly string[])[];
}

export const PROMPT = 'How is the weather in Bern?';
export const TOOL = { name: 'get_weather', description: 'The weather of a city' };

const ANSWER: Answer = { text: 'It is sunny in Bern, and it will be sunny.', usage: { input: 31, output: 17 } };
const TOOL_CALL: Answer = { toolCalls: [{ id: 'call_1', name: TOOL.name, arguments: { city: 'Bern' } }] };
/** Enough for the first text to have come with every API. */
const PIECES_BEFORE_END = 6;
const COMPLETED = ['completed', '200 completed'];
const busy = () => status(429, { retryAfterMillis: 20 });

const CASES: readonly Case[] = [
  {
    name: '429, 429, 200',
    script: [busy(), busy(), ok(ANSWER)],
    play: (framework, model) => framework.generate(model),
    steps: [['completed', '429 failed', '429 failed', '200 completed']],
  },
  {
    name: 'streamed',
    script: [slow(1, ANSWER)],
    play: (framework, model) => readAll(framework, model),
    steps: [COMPLETED],
  },
  {
    name: 'stopped',
    script: [stallMidStream(PIECES_BEFORE_END, ANSWER)],
    play: (framework, model) => stop(framework, model),
    steps: [['interrupted', '200 aborted']],
  },
  {
    name: 'broken',
    script: [resetMidStream(PIECES_BEFORE_END, ANSWER)],
    play: (framework, model) => readAll(framework, model).catch(() => {}),
    steps: [['error', '200 failed']],
  },
  {
    name: 'tool loop',
    script: [ok(TOOL_CALL), ok(ANSWER)],
    play: (framework, model) => framework.loop(model),
    steps: [COMPLETED, COMPLETED],
  },
];

/** Plays every case, and sends the verdicts to the parent process. `make` gets the base URL of an API like OpenAI's. */
export async function playAll(make: (baseURL: string) => Framework): Promise<void> {
  const provider = await startProvider();
  const framework = make(`${provider.url}/v1`);
  const verdicts: Verdict[] = [];
  for (const one of CASES) {
    const model = `gpt-5.${one.name.replaceAll(/\W+/g, '-')}`;
    provider.script(model, ...one.script);
    const wrong = await play(framework, model, one).then(
      () => undefined,
      (error: Error) => error.message,
    );
    verdicts.push({ case: one.name, wrong });
  }
  await provider.close();
  process.send?.(verdicts, () => process.exit());
}

async function play(framework: Framework, model: string, { play: call, steps: expected }: Case): Promise<void> {
  const { recorder, steps, shutdown } = traced({ limits: { completedHoldMillis: 0 } });
  await recorder.run({ kind: 'chat_turn' }, () => call(framework, model));
  await shutdown();
  assert.deepEqual(steps().map(shapeOf), expected);
  for (const { attributes } of steps()) {
    assert.equal(attributes['gen_ai.request.model'], model);
    assert.equal(attributes['gen_ai.provider.name'], 'openai');
    if (attributes['runtrace.status'] === 'completed') assert.ok(Number(attributes['gen_ai.usage.output_tokens']) > 0);
  }
}

function shapeOf(step: ReadableSpan): unknown[] {
  const attempts = attemptsOf(step).map(
    (attempt) => `${attempt['http.response.status_code']} ${attempt['runtrace.attempt.status']}`,
  );
  return [step.attributes['runtrace.status'], ...attempts];
}

async function readAll(framework: Framework, model: string): Promise<void> {
  for await (const _event of await framework.stream(model));
}

async function stop(framework: Framework, model: string): Promise<void> {
  for await (const _event of await framework.stream(model)) break;
}
