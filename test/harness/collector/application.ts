/** The span processors of an application, configured by the `OTEL_EXPORTER_OTLP_*` variables alone. */
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor, type SpanExporter } from 'runtrace/exporter';

/** What stands between an application's spans and the network. */
export interface Delivery {
  /** In the order in which they are given to the SDK. */
  readonly spanProcessors: [StatusPrioritySpanProcessor, RuntraceBatchSpanProcessor];
  /** How many spans the exporter counts as delivered. */
  sentCount(): number;
}

// Replace this by `new RuntraceSpanProcessor()` as soon as that class exists: it chooses its sender by the protocol itself.
/** Composes the delivery that the environment asks for. */
export function createDelivery(): Delivery {
  const exporter = stockExporter();
  const batches = new RuntraceBatchSpanProcessor(exporter && { exporter });
  return {
    spanProcessors: [new StatusPrioritySpanProcessor(), batches],
    sentCount: () => batches.stats().sent.spans,
  };
}

/** The stock exporter of a protocol that `RuntraceBatchSpanProcessor` does not send by itself. */
function stockExporter(): SpanExporter | undefined {
  switch (process.env.OTEL_EXPORTER_OTLP_PROTOCOL) {
    case 'grpc':
      return new GrpcExporter();
    case 'http/protobuf':
      return new ProtobufExporter();
    default:
      return undefined;
  }
}
