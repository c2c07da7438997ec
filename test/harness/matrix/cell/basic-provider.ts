import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import type { Start } from './cell.js';

/** `@opentelemetry/sdk-trace-base` of the SDK 2.x. */
export const start: Start = (exporter) => {
  const provider = new BasicTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [new StatusPrioritySpanProcessor(), exporter],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return provider;
};
