/** The OpenTelemetry set-up of an application, and the two lines that runtrace adds to it. */
import { NodeSDK } from '@opentelemetry/sdk-node';
import { registerTelemetry } from 'ai';
import { StatusPrioritySpanProcessor } from 'runtrace';
import { runtraceTelemetry } from 'runtrace/ai-sdk';
import { OTLPFileExporter, RunTraceBatchSpanProcessor } from 'runtrace/exporter';

/** Spans go to a file here; without the exporter they go where the `OTEL_EXPORTER_OTLP_*` variables say. */
export function instrument(file: string): NodeSDK {
  const exporter = new OTLPFileExporter({ path: file });
  const sdk = new NodeSDK({
    serviceName: 'ai-sdk-chat',
    spanProcessors: [new StatusPrioritySpanProcessor(), new RunTraceBatchSpanProcessor({ exporter })],
  });
  sdk.start();
  registerTelemetry(runtraceTelemetry());
  return sdk;
}
