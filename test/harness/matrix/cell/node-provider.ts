import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import type { Start } from './cell.js';

/** `@opentelemetry/sdk-trace-node` of the SDK 2.x. */
export const start: Start = (exporter) => {
  const provider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [new StatusPrioritySpanProcessor(), exporter],
  });
  provider.register();
  return provider;
};
