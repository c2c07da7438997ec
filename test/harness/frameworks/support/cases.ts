/** What is played with each framework, and what must be recorded of it. */
import { type Answer, type Behaviour, ok, resetMidStream, slow, status } from '../../../../examples/demo/provider.js';
import { TOOL } from './prompt.js';

/** An application that is made with a framework. Its model client has the recording fetch. */
export interface Framework {
  /** One answer, by the retries that the framework makes. */
  generate(model: string): Promise<unknown>;
  /** A streamed answer: something for each event. */
  stream(model: string): Promise<AsyncIterable<unknown>>;
  /** Asks a model that may call the tool, until it answers. */
  loop(model: string): Promise<unknown>;
}

export interface Case {
  readonly name: string;
  readonly script: [Behaviour, ...Behaviour[]];
  play(framework: Framework, model: string): Promise<unknown>;
  /** How the run ends, if the application begins it around all of the answer. */
  readonly run: 'completed' | 'interrupted' | 'error';
  /** The steps: how each ended, and its attempts. */
  readonly steps: readonly (readonly string[])[];
}

const ANSWER: Answer = { text: 'It is sunny in Bern, and it will be sunny.', usage: { input: 31, output: 17 } };
/** Takes seconds. */
const LONG_ANSWER: Answer = { text: Array(1000).fill('word ') };
const TOOL_CALL: Answer = { toolCalls: [{ id: 'call_1', name: TOOL.name, arguments: { city: 'Bern' } }] };
/** Enough for the first text to have come with every API. */
const PIECES_BEFORE_END = 6;
const COMPLETED = ['completed', '200 completed'];
const busy = () => status(429, { retryAfterMillis: 20 });

export const LOOP: Case = {
  name: 'tool loop',
  script: [ok(TOOL_CALL), ok(ANSWER)],
  play: (framework, model) => framework.loop(model),
  run: 'completed',
  steps: [COMPLETED, COMPLETED],
};

export const CASES: readonly Case[] = [
  {
    name: '429, 429, 200',
    script: [busy(), busy(), ok(ANSWER)],
    play: (framework, model) => framework.generate(model),
    run: 'completed',
    steps: [['completed', '429 failed', '429 failed', '200 completed']],
  },
  {
    name: 'streamed',
    script: [slow(1, ANSWER)],
    play: (framework, model) => readAll(framework, model),
    run: 'completed',
    steps: [COMPLETED],
  },
  {
    name: 'stopped',
    script: [slow(5, LONG_ANSWER)],
    play: (framework, model) => stop(framework, model),
    run: 'interrupted',
    steps: [['interrupted', '200 aborted']],
  },
  {
    name: 'broken',
    script: [resetMidStream(PIECES_BEFORE_END, ANSWER)],
    play: (framework, model) => readAll(framework, model).catch(() => {}),
    run: 'error',
    steps: [['error', '200 failed']],
  },
  LOOP,
];

async function readAll(framework: Framework, model: string): Promise<void> {
  for await (const _event of await framework.stream(model));
}

async function stop(framework: Framework, model: string): Promise<void> {
  for await (const _event of await framework.stream(model)) break;
}
