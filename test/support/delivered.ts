/** A tracer provider with one `RuntraceSpanProcessor`, and what it delivered. */
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  type SpanLimits,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, type Recorder, RunIdGenerator } from 'runtrace';
import { RuntraceSpanProcessor, type RuntraceSpanProcessorOptions } from 'runtrace/exporter';

export interface DeliveredOptions extends RuntraceSpanProcessorOptions {
  sampler?: Sampler;
  spanLimits?: SpanLimits;
  /** Listed after it. */
  spanProcessors?: SpanProcessor[];
}

export interface Delivered {
  readonly recorder: Recorder;
  readonly provider: BasicTracerProvider;
  readonly processor: RuntraceSpanProcessor;
  /** Flushes, and returns all that has been delivered so far. */
  flushed(): Promise<ReadableSpan[]>;
  /** The names of {@link flushed}, sorted. */
  names(): Promise<string[]>;
  /** What has been delivered so far, without a flush. */
  spans(): ReadableSpan[];
}

/** Run ids are trace ids, as `RunIdGenerator` makes them. The process gets a context manager. */
export function delivered({ sampler, spanLimits, spanProcessors = [], ...options }: DeliveredOptions = {}): Delivered {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new InMemorySpanExporter();
  // What was delivered stays readable after the provider's shutdown.
  exporter.shutdown = async () => {};
  const processor = new RuntraceSpanProcessor({ exporter, ...options });
  const provider = new BasicTracerProvider({
    spanProcessors: [processor, ...spanProcessors],
    idGenerator: new RunIdGenerator(),
    ...(sampler && { sampler }),
    ...(spanLimits && { spanLimits }),
  });
  const flushed = async () => {
    await provider.forceFlush();
    return exporter.getFinishedSpans();
  };
  return {
    recorder: createRecorder({ tracerProvider: provider }),
    provider,
    processor,
    flushed,
    names: async () => (await flushed()).map(({ name }) => name).sort(),
    spans: () => exporter.getFinishedSpans(),
  };
}
