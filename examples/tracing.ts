/**
 * The set-up that an application has anyway, and the one line more: the first processor. It is what every example begins with.
 *
 * Spans go where `OTEL_EXPORTER_OTLP_ENDPOINT` says, else to http://localhost:4318.
 */
import { NodeSDK } from '@opentelemetry/sdk-node';
import { RunIdGenerator, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';

export const sdk = new NodeSDK({
  serviceName: 'runtrace-examples',
  spanProcessors: [new StatusPrioritySpanProcessor(), new RuntraceBatchSpanProcessor()],
  // If you like: the trace of a run is then found by the run's id.
  idGenerator: new RunIdGenerator(),
});

sdk.start();
