import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import type { Start } from './cell.js';

/** `@opentelemetry/sdk-trace`, which is the SDK 3.x. */
export const start: Start = (exporter) => {
  const provider = new TracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [new StatusPrioritySpanProcessor(), exporter],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return provider;
};
