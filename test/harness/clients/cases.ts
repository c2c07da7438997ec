/** What is tried with each client, and what must be recorded of it. */
import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import {
  type Answer,
  type Behaviour,
  endWithoutLastEvent,
  errorEventMidStream,
  halfJson,
  html,
  ok,
  resetMidStream,
  slow,
  stallMidStream,
  status,
} from '../../../examples/demo/provider.js';
import { attemptsOf } from '../../support/traced.js';
import { type Ask, type Client, type ClientRow, type Result, TOOL } from './client.js';
import { PROCESSED_TOKENS } from './wire/results.js';

export interface Case {
  readonly name: string;
  /** How the provider behaves: one behaviour a request; the last one stays. */
  readonly script: [Behaviour, ...Behaviour[]];
  /** How the application uses the client. Rejects if the client does. */
  play(client: Client, model: string, row: ClientRow): Promise<unknown>;
  /** Throws unless the step is right. */
  judge(step: ReadableSpan, row: ClientRow, model: string): void;
}

const ANSWER: Answer = { text: 'It is sunny in Bern, and it will be sunny.', usage: { input: 31, output: 17 } };
const CITY = { city: 'Bern' };
const TOOL_CALL: Answer = {
  toolCalls: [{ id: 'call_00000001', name: TOOL.name, arguments: CITY }],
  usage: { input: 31, output: 17 },
};
/** Enough for the first text to have come with every API. */
const PIECES_BEFORE_END = 6;
const WAIT_MILLIS = 20;
const busy = () => status(429, { retryAfterMillis: WAIT_MILLIS });
const RESET: readonly unknown[] = ['ECONNRESET', 'UND_ERR_SOCKET', 'ERR_HTTP2_STREAM_ERROR'];

const CALLS: readonly Case[] = [
  {
    name: 'whole',
    script: [ok(ANSWER)],
    play: (client, model) => client.generate(model, askOf()),
    judge: (step, row, model) => judgeAnswer(step, row, model, ['200 completed']),
  },
  {
    name: 'streamed',
    script: [slow(1, ANSWER)],
    play: (client, model) => readAll(client, model),
    judge: (step, row, model) => judgeAnswer(step, row, model, ['200 completed']),
  },
  {
    name: 'tool call',
    script: [ok(TOOL_CALL)],
    play: (client, model) => client.generate(model, askOf({ withTool: true })),
    judge: judgeToolCall,
  },
  {
    name: 'tool call, streamed',
    script: [ok(TOOL_CALL)],
    play: (client, model) => readAll(client, model, askOf({ withTool: true })),
    judge: judgeToolCall,
  },
  {
    name: 'stopped',
    script: [stallMidStream(PIECES_BEFORE_END, ANSWER)],
    play: (client, model) => stop(client, model).catch(() => {}),
    judge: (step, row, model) => {
      judgeCall(step, row, model, 'interrupted', ['200 aborted']);
      assert.equal(step.attributes['error.type'], undefined);
    },
  },
  {
    name: 'broken',
    script: [resetMidStream(PIECES_BEFORE_END, ANSWER)],
    play: (client, model) => readAll(client, model).catch(() => {}),
    judge: (step, row, model) => {
      judgeCall(step, row, model, 'error', ['200 failed']);
      assert.ok(RESET.includes(step.attributes['error.type']), `error.type: ${step.attributes['error.type']}`);
    },
  },
  {
    name: 'without its end',
    script: [endWithoutLastEvent(ANSWER)],
    play: (client, model) => readAll(client, model).catch(() => {}),
    judge: (step, row, model) => {
      judgeCall(step, row, model, 'error', ['200 failed']);
      assert.equal(step.attributes['error.type'], 'invalid_response');
    },
  },
  {
    name: 'error in the stream',
    script: [errorEventMidStream(PIECES_BEFORE_END, ANSWER)],
    play: (client, model) => readAll(client, model).catch(() => {}),
    judge: (step, row, model) => {
      judgeCall(step, row, model, 'error', ['200 failed']);
      assert.notEqual(step.attributes['error.type'], 'invalid_response');
    },
  },
  ...[html, halfJson].map(
    (behaviour): Case => ({
      name: `200 with ${behaviour.name}`,
      script: [behaviour()],
      play: (client, model) => client.generate(model, askOf()).catch(() => {}),
      judge: (step, row, model) => {
        judgeCall(step, row, model, 'error', ['200 failed']);
        assert.equal(step.attributes['error.type'], 'invalid_response');
      },
    }),
  ),
  {
    name: '429, 429, 200',
    script: [busy(), busy(), ok(ANSWER)],
    play: (client, model, row) => tried(() => client.generate(model, askOf()), row.retries ? 1 : 3),
    judge: (step, row, model) => judgeAnswer(step, row, model, ['429 failed', '429 failed', '200 completed']),
  },
  {
    name: 'refused',
    script: [status(400)],
    play: (client, model) => client.generate(model, askOf()).catch(() => {}),
    judge: (step, row, model) => {
      judgeCall(step, row, model, 'error', ['400 failed']);
      assert.equal(step.attributes['error.type'], row.refusal);
    },
  },
];

const OPERATIONS: Readonly<Record<Result, string>> = {
  embeddings: 'embeddings',
  rerank: 'rerank',
  images: 'generate_content',
  speech: 'generate_content',
  transcription: 'generate_content',
  moderation: 'moderation',
  compaction: 'chat',
};

/** The cases of a client. */
export function casesOf(client: Client): Case[] {
  const results = Object.entries(client.results ?? {}) as [Result, (model: string) => Promise<unknown>][];
  return [
    ...CALLS,
    ...results.map(
      ([name, ask]): Case => ({
        name,
        script: [ok()],
        play: (_client, model) => ask(model),
        judge: (step, row) => judgeResult(step, row, OPERATIONS[name]),
      }),
    ),
  ];
}

function askOf({ withTool = false, signal = new AbortController().signal }: Partial<Ask> = {}): Ask {
  return { withTool, signal };
}

async function readAll(client: Client, model: string, ask = askOf()): Promise<void> {
  for await (const _piece of await client.open(model, ask));
}

/** Stops a stream after the first text, as an application does whose own client has gone away. */
async function stop(client: Client, model: string): Promise<void> {
  const controller = new AbortController();
  for await (const piece of await client.open(model, askOf({ signal: controller.signal }))) {
    if (!piece) continue;
    controller.abort();
    break;
  }
}

/** Calls up to so many times: an application's own loop around a client that does not retry. */
async function tried(call: () => Promise<unknown>, times: number): Promise<unknown> {
  return call().catch((error) => {
    if (times <= 1) throw error;
    return tried(call, times - 1);
  });
}

function judgeCall(
  step: ReadableSpan,
  row: ClientRow,
  model: string,
  expected: 'completed' | 'interrupted' | 'error',
  attempts: readonly string[],
): void {
  const { attributes } = step;
  const recorded = attemptsOf(step).map(
    (attempt) => `${attempt['http.response.status_code']} ${attempt['runtrace.attempt.status']}`,
  );
  assert.deepEqual([attributes['runtrace.status'], ...recorded], [expected, ...attempts]);
  assert.equal(attributes['gen_ai.provider.name'], row.provider);
  assert.equal(attributes['gen_ai.request.model'], model);
}

function judgeAnswer(step: ReadableSpan, row: ClientRow, model: string, attempts: readonly string[], kind = 0): void {
  judgeCall(step, row, model, 'completed', attempts);
  const { attributes } = step;
  assert.deepEqual(attributes['gen_ai.response.finish_reasons'], row.finishReasons && [row.finishReasons[kind]]);
  assert.equal(attributes['gen_ai.usage.input_tokens'], ANSWER.usage?.input);
  assert.equal(attributes['gen_ai.usage.output_tokens'], ANSWER.usage?.output);
}

function judgeToolCall(step: ReadableSpan, row: ClientRow, model: string): void {
  judgeAnswer(step, row, model, ['200 completed'], 1);
  const messages = JSON.parse(String(step.attributes['gen_ai.output.messages'])) as { parts: { type: string }[] }[];
  const calls = messages.flatMap(({ parts }) => parts).filter(({ type }) => type === 'tool_call');
  assert.deepEqual(
    calls.map((call) => ({ ...call, id: undefined })),
    [{ type: 'tool_call', id: undefined, name: TOOL.name, arguments: CITY }],
  );
  const tools = JSON.parse(String(step.attributes['gen_ai.tool.definitions'])) as { name: string }[];
  assert.deepEqual(
    tools.map(({ name }) => name),
    [TOOL.name],
  );
}

function judgeResult({ attributes }: ReadableSpan, row: ClientRow, operation: string): void {
  assert.equal(attributes['runtrace.status'], 'completed');
  assert.equal(attributes['gen_ai.provider.name'], row.provider);
  assert.equal(attributes['gen_ai.operation.name'], operation);
  const input = attributes['gen_ai.usage.input_tokens'];
  assert.ok(input === undefined || input === PROCESSED_TOKENS, `input tokens: ${input}`);
}
