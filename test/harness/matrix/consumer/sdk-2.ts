import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { createRecorder, RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor, RuntraceExporter, RuntraceSpanProcessor } from 'runtrace/exporter';

const spanProcessors = [
  new StatusPrioritySpanProcessor(),
  new RuntraceBatchSpanProcessor(),
  new BatchSpanProcessor(new RuntraceExporter()),
];
export const basic = new BasicTracerProvider({ idGenerator: new RunIdGenerator(), spanProcessors });
export const node = new NodeTracerProvider({ idGenerator: new RunIdGenerator(), spanProcessors });
export const inOne = new BasicTracerProvider({ spanProcessors: [new RuntraceSpanProcessor()] });
export const recorder = createRecorder({ tracerProvider: basic });
