/** A real OpenTelemetry set-up of one test, and what was exported by it. */
import { setImmediate } from 'node:timers/promises';
import { context, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, type Recorder, type RecorderOptions, StatusPrioritySpanProcessor } from 'runtrace';

export interface TracedOptions extends Omit<RecorderOptions, 'tracerProvider'> {
  /** Whether a `StatusPrioritySpanProcessor` is listed first. Default: true. */
  processor?: boolean;
  /** Listed between it and the exporter. */
  spanProcessors?: SpanProcessor[];
  sampler?: Sampler;
}

export interface Traced {
  readonly recorder: Recorder;
  readonly provider: BasicTracerProvider;
  /** What has been exported so far. */
  spans(): ReadableSpan[];
  /** Steps only, in order of their number. */
  steps(): ReadableSpan[];
  /** Root spans of runs only. */
  runs(): ReadableSpan[];
  shutdown(): Promise<void>;
}

/** A recorder over a provider of its own, with an exporter in memory. The process gets a context manager. */
export function traced({ processor = true, spanProcessors = [], sampler, ...options }: TracedOptions = {}): Traced {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new InMemorySpanExporter();
  // What was exported stays readable after the provider's shutdown.
  exporter.shutdown = async () => {};
  const provider = new BasicTracerProvider({
    spanProcessors: [
      ...(processor ? [new StatusPrioritySpanProcessor()] : []),
      ...spanProcessors,
      new SimpleSpanProcessor(exporter),
    ],
    ...(sampler && { sampler }),
  });
  const spans = () => exporter.getFinishedSpans();
  const number = (span: ReadableSpan) => Number(span.attributes['runtrace.step.number']);
  const recorder = createRecorder({ tracerProvider: provider, ...options });
  return {
    recorder: { ...recorder, run: settled(recorder.run) },
    provider,
    spans,
    steps: () =>
      spans()
        .filter((span) => 'runtrace.step.id' in span.attributes)
        .sort((a, b) => number(a) - number(b)),
    runs: () => spans().filter((span) => 'runtrace.run.kind' in span.attributes),
    shutdown: () => provider.shutdown(),
  };
}

/** A run settles a turn of the event loop after its function has ended; tests look at it then. */
export function settled(run: Recorder['run']): Recorder['run'] {
  return (options, fn) => run(options, fn).finally(() => setImmediate());
}

/** The attempts on a span, as they were exported. */
export function attemptsOf(span: ReadableSpan): Record<string, unknown>[] {
  return span.events.filter(({ name }) => name === 'runtrace.attempt').map(({ attributes }) => ({ ...attributes }));
}

/** How a step and each of its attempts ended: `['completed', '429 failed', '200 completed']`. */
export function outcomesOf(step: ReadableSpan): unknown[] {
  const attempts = attemptsOf(step).map(
    (attempt) => `${attempt['http.response.status_code']} ${attempt['runtrace.attempt.status']}`,
  );
  return [step.attributes['runtrace.status'], ...attempts];
}

/** Makes `call` in a run whose steps are held for a moment only. Returns its steps, and what `call` resolved to. */
export async function stepsOfRun<T>(call: () => Promise<T>): Promise<{ steps: ReadableSpan[]; result: T }> {
  const { recorder, steps, shutdown } = traced({ limits: { completedHoldMillis: 0, retryHoldMillis: 50 } });
  const result = await recorder.run({ kind: 'chat_turn' }, call);
  await shutdown();
  return { steps: steps(), result };
}

/** The status updates on a span, as they were exported. */
export function updatesOf(span: ReadableSpan): Record<string, unknown>[] {
  return span.events
    .filter(({ name }) => name === 'runtrace.status_update')
    .map(({ attributes }) => ({ ...attributes }));
}

/** The milliseconds of a time or a duration of a span. */
export const millisOf = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6;

/** The one and only of a list. */
export function only<T>(list: readonly T[]): T {
  if (list.length !== 1) throw new Error(`expected one, got ${list.length}`);
  return list[0] as T;
}

export type { ReadableSpan, Span };
