import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { OTLPFileExporter, RuntraceSpanProcessor } from 'runtrace/exporter';

/** The harness reads the file; an application leaves `destinations` out. */
export function startTracing(): void {
  const destinations = [new OTLPFileExporter({ path: String(process.env.TRACES) })];
  const spanProcessors = [new RuntraceSpanProcessor({ destinations, scheduledDelayMillis: 50 })];
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
}
