import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createRecorder, RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import { RunTraceBatchSpanProcessor, RunTraceExporter } from 'runtrace/exporter';

const spanProcessors = [
  new StatusPrioritySpanProcessor(),
  new RunTraceBatchSpanProcessor(),
  new BatchSpanProcessor({ exporter: new RunTraceExporter() }),
];
export const tracerProvider = new TracerProvider({ idGenerator: new RunIdGenerator(), spanProcessors });
export const recorder = createRecorder({ tracerProvider });
