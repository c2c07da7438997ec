import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createRecorder, RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor, RuntraceExporter, RuntraceSpanProcessor } from 'runtrace/exporter';

const spanProcessors = [
  new StatusPrioritySpanProcessor(),
  new RuntraceBatchSpanProcessor(),
  new BatchSpanProcessor({ exporter: new RuntraceExporter() }),
];
export const tracerProvider = new TracerProvider({ idGenerator: new RunIdGenerator(), spanProcessors });
export const recorder = createRecorder({ tracerProvider });
export const inOne = new TracerProvider({ spanProcessors: [new RuntraceSpanProcessor()] });
