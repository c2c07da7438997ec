/** What the tests of `runtrace/ai-sdk` have in common: the AI SDK with our telemetry, and models that need no server. */
import { createOpenAI } from '@ai-sdk/openai';
import { type FlexibleSchema, jsonSchema, registerTelemetry, simulateReadableStream, type Telemetry, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { recordingFetch } from 'runtrace';
import { type RuntraceTelemetryOptions, runtraceTelemetry } from 'runtrace/ai-sdk';
import { type Behaviour, ok, type Provider, startProvider, status } from '../../examples/demo/provider.js';
import { attemptsOf, only, type ReadableSpan, type Traced, type TracedOptions, traced } from '../support/traced.js';
import { until } from '../support/until.js';

// The AI SDK prints what models warn of.
(globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;

/** Nothing alive for so long is given up. Long beside the pauses that the provider makes. */
export const SETTLE_MILLIS = 150;
const LIMITS = { idleMillis: SETTLE_MILLIS, pausedMillis: SETTLE_MILLIS, completedHoldMillis: 20 };

/** The only integrations that are registered from now on. */
export function register(...integrations: Telemetry[]): void {
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = [];
  registerTelemetry(...integrations);
}

export interface SceneOptions extends TracedOptions {
  /** What `runtraceTelemetry` is given. */
  telemetry?: Omit<RuntraceTelemetryOptions, 'recorder'>;
}

/** A set-up of one test, with our telemetry registered and no other. */
export function scene({ telemetry, ...options }: SceneOptions = {}): Traced {
  const set = traced({ limits: LIMITS, ...options });
  register(runtraceTelemetry({ ...telemetry, recorder: set.recorder }));
  return set;
}

let provider: Provider;
let count = 0;

export async function startModels(): Promise<void> {
  provider = await startProvider();
}

export function stopModels(): Promise<void> {
  return provider.close();
}

/** The name of a model that was not asked yet. */
export function nextModel(): string {
  return `gpt-5.case-${count++}`;
}

/** Tells the provider how a model behaves. */
export function script(model: string, first: Behaviour, ...others: Behaviour[]): void {
  provider.script(model, first, ...others);
}

/** Whether the provider has got a request for a model. */
export function hasArrived(model: string): boolean {
  return provider.requests.some((request) => request.model === model);
}

/** The models of the provider; asked through the recording fetch, if no other is given. */
export function openai(fetch: typeof globalThis.fetch = recordingFetch) {
  return createOpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch });
}

export type ChatModel = ReturnType<typeof chat>;

/** A model of its own that behaves like this. */
export function chat(first: Behaviour, ...others: Behaviour[]) {
  const model = nextModel();
  script(model, first, ...others);
  return openai().chat(model);
}

export const CITY: FlexibleSchema<{ city: string }> = jsonSchema({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
});

/** What a model answers first, if it is to call the tool. */
export const ASKS_FOR_WEATHER = ok({
  toolCalls: [{ id: 'call-1', name: 'weather', arguments: { city: 'Lisbon' } }],
});

export function weather(execute: (input: { city: string }) => unknown = () => 'sunny') {
  const description = 'Tells the weather.';
  return { weather: tool({ description, inputSchema: CITY, execute: async (input) => execute(input) }) };
}

export const busy = (code = 429) => status(code, { retryAfterMillis: 1 });

/** More than all the buffers on the way can hold: it is not over before it is read. */
export const VERY_LONG = { text: 'One two three four five six seven. '.repeat(3000) };
/** More than the AI SDK reads ahead. */
export const LONG = { text: 'One two three four five six seven. '.repeat(60) };

export async function readAll(text: AsyncIterable<unknown>): Promise<void> {
  for await (const _piece of text);
}

/** The only run, when it is there. */
export async function runOf(set: Traced): Promise<ReadableSpan> {
  await until(() => set.runs().length > 0);
  return only(set.runs());
}

export function statusOf(span: ReadableSpan): unknown {
  return span.attributes['runtrace.status'];
}

/** Each attempt's HTTP status, if it got one, and its status: `429 failed`. */
export function attempts(span: ReadableSpan): string[] {
  return attemptsOf(span).map((attempt) =>
    [attempt['http.response.status_code'], attempt['runtrace.attempt.status']]
      .filter((word) => word !== undefined)
      .join(' '),
  );
}

/** How the only step, and the only run, ended. */
export async function outcome(set: Traced): Promise<{
  step: unknown;
  attempts: string[];
  run: unknown;
  errorType?: unknown;
}> {
  const run = await runOf(set);
  const step = only(set.steps());
  const errorType = step.attributes['error.type'];
  return {
    step: statusOf(step),
    attempts: attempts(step),
    run: statusOf(run),
    ...(errorType !== undefined && { errorType }),
  };
}

const USAGE = {
  inputTokens: { total: 31, noCache: 20, cacheRead: 8, cacheWrite: 3 },
  outputTokens: { total: 17, text: 12, reasoning: 5 },
};

type StreamPart =
  Extract<Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'], ReadableStream> extends ReadableStream<
    infer Part
  >
    ? Part
    : never;

/** The parts of an answer. */
export function answerParts(text: readonly string[]): StreamPart[] {
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', id: 'answer-1', modelId: 'local-1b' },
    { type: 'text-start', id: '1' },
    ...text.map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
    { type: 'text-end', id: '1' },
    { type: 'finish', usage: USAGE, finishReason: { unified: 'stop', raw: 'eos' } },
  ];
}

/** A stream that gives a part when it is asked for one, and pauses before each. */
export function streamOf(parts: readonly StreamPart[]): ReadableStream<StreamPart> {
  return simulateReadableStream({ chunks: [...parts], initialDelayInMs: 0, chunkDelayInMs: 1 });
}

/** A model in this process: no `fetch` is called for it. */
export function localModel(
  stream: () => ReadableStream<StreamPart> = () => streamOf(answerParts(['Hello ', 'there.'])),
) {
  return new MockLanguageModelV4({
    provider: 'local.chat',
    modelId: 'local',
    doGenerate: async () => ({
      content: [{ type: 'text', text: 'Hello there.' }],
      finishReason: { unified: 'stop', raw: 'eos' },
      usage: USAGE,
      warnings: [{ type: 'unsupported', feature: 'seed' }],
      response: { id: 'answer-1', modelId: 'local-1b' },
    }),
    doStream: async () => ({ stream: stream() }),
  });
}
