import { NodeSDK } from '@opentelemetry/sdk-node';
import { RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import type { Start } from './cell.js';

/** `@opentelemetry/sdk-node` of either major. It has no `forceFlush`: its processors have. */
export const start: Start = (exporter) => {
  const spanProcessors = [new StatusPrioritySpanProcessor(), exporter];
  const sdk = new NodeSDK({ idGenerator: new RunIdGenerator(), spanProcessors });
  sdk.start();
  return {
    forceFlush: async () => void (await Promise.all(spanProcessors.map((processor) => processor.forceFlush()))),
    shutdown: () => sdk.shutdown(),
  };
};
