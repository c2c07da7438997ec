/**
 * The set-up that every example imports first.
 *
 * Spans go to `OTEL_EXPORTER_OTLP_ENDPOINT`, by default http://localhost:4318. If nothing listens there, a warning says so.
 */
import { NodeSDK } from '@opentelemetry/sdk-node';
import { RunIdGenerator } from 'runtrace';
import { RuntraceSpanProcessor } from 'runtrace/exporter';

export const sdk = new NodeSDK({
  serviceName: 'runtrace-examples',
  // An example ends soon. By default, `shutdown()` waits ten seconds for a backend that does not answer.
  spanProcessors: [new RuntraceSpanProcessor({ shutdownTimeoutMillis: 1500 })],
  // Optional: the trace id of a run is then its id without the dashes.
  idGenerator: new RunIdGenerator(),
});

sdk.start();
