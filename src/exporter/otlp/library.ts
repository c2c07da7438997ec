/*
 * The one file that names OpenTelemetry's OTLP libraries. Both are dependencies of runtrace, so that npm, pnpm and Yarn PnP
 * find them, and both are loaded with the first request, so that an application that sends nothing does not pay for them.
 */
import type { OTLPExporterNodeConfigBase } from '@opentelemetry/otlp-exporter-base';
import type { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';

type TraceSerializer = typeof ProtobufTraceSerializer;

/** A span that has ended, as the SDK hands it to exporters. From the serializer's signature, so that it fits the SDK's major version. */
export type ReadableSpan = Parameters<TraceSerializer['serializeRequest']>[0][number];

/** The options that mean the same here and in OpenTelemetry's own exporters. */
export type StockHttpOptions = Pick<OTLPExporterNodeConfigBase, 'headers' | 'httpAgentOptions'>;

/** The Protobuf encoding of spans as an `ExportTraceServiceRequest`. */
export async function loadProtobufSerializer(): Promise<TraceSerializer> {
  return (await import('@opentelemetry/otlp-transformer')).ProtobufTraceSerializer;
}

/** Makes an agent for each protocol from Node's agent options. */
export async function loadAgentFactory() {
  return (await import('@opentelemetry/otlp-exporter-base/node-http')).httpAgentFactoryFromOptions;
}
