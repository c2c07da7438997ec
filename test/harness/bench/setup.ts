/** The set-ups that are compared: each has a provider of its own, with a batch processor and an exporter that does nothing. */
import { context, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, type Recorder, type RecorderOptions, StatusPrioritySpanProcessor } from 'runtrace';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const nowhere: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};

/** Large enough that nothing is dropped: a queue that is full costs nothing. */
export const batchNowhere = (exporter: SpanExporter = nowhere) =>
  new BatchSpanProcessor(exporter, { maxQueueSize: 1_000_000, scheduledDelayMillis: 100 });

export interface Setup {
  /** On a bare SDK. */
  readonly tracer: Tracer;
  readonly recorder: Recorder;
  flush(): Promise<void>;
}

/** `exporter`: what both sides export to. Default: nowhere. */
export function setup(options: Omit<RecorderOptions, 'tracerProvider'> = {}, exporter?: SpanExporter): Setup {
  const floor = new BasicTracerProvider({ spanProcessors: [batchNowhere(exporter)] });
  const ours = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), batchNowhere(exporter)],
  });
  return {
    tracer: floor.getTracer('by hand'),
    recorder: createRecorder({ tracerProvider: ours, ...options }),
    flush: async () => {
      await Promise.all([floor.forceFlush(), ours.forceFlush()]);
    },
  };
}

/** What `use` makes a recorder export: the spans that the floor then makes by hand. */
export async function exportedBy(
  options: Omit<RecorderOptions, 'tracerProvider'>,
  use: (recorder: Recorder) => Promise<void>,
): Promise<ReadableSpan[]> {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)],
  });
  await use(createRecorder({ tracerProvider, ...options }));
  await tracerProvider.forceFlush();
  return exporter.getFinishedSpans();
}
