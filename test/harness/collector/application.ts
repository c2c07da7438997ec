/** The span processors of an application, configured by the `OTEL_EXPORTER_OTLP_*` variables alone. */
import { RuntraceSpanProcessor } from 'runtrace/exporter';

/** What stands between an application's spans and the network. */
export interface Delivery {
  /** In the order in which they are given to the SDK. */
  readonly spanProcessors: [RuntraceSpanProcessor];
  /** How many spans the exporter counts as delivered. */
  sentCount(): number;
}

/** Composes the delivery that the environment asks for. */
export function createDelivery(): Delivery {
  const processor = new RuntraceSpanProcessor();
  return { spanProcessors: [processor], sentCount: () => processor.stats().sent.spans };
}
