import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { ExportResult, ReadableSpan, SpanExporter } from './span.js';

type StockOptions = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;

export interface RunTraceExporterOptions {
  /** The whole URL, path included. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`, or `http://localhost:4318/v1/traces`. */
  url?: string;
  /** Headers of every request, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. */
  headers?: Record<string, string>;
  /** Default: `OTEL_EXPORTER_OTLP_COMPRESSION`, or `gzip`. */
  compression?: 'gzip' | 'none';
  /** How long a request may take, in milliseconds. Default: `OTEL_EXPORTER_OTLP_TIMEOUT`, or 10 000. */
  timeoutMillis?: number;
}

/**
 * Sends spans over OTLP/HTTP, gzip by default. The standard `OTEL_EXPORTER_OTLP_*` variables hold where no option is given.
 *
 * @example new BatchSpanProcessor(new RunTraceExporter())
 */
export class RunTraceExporter implements SpanExporter {
  readonly #sender: SpanExporter;

  constructor(options: RunTraceExporterOptions = {}) {
    this.#sender = new OTLPTraceExporter(stockOptions(options));
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    this.#sender.export(spans, resultCallback);
  }

  async forceFlush(): Promise<void> {
    await this.#sender.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#sender.shutdown();
  }
}

function stockOptions({ compression = compressionFromEnvironment(), ...rest }: RunTraceExporterOptions): StockOptions {
  // The stock exporter's enum has these very values, but is no export of its package.
  return { ...rest, ...(compression && { compression: compression as NonNullable<StockOptions['compression']> }) };
}

/** `undefined` where the environment says something: the stock exporter reads it. */
function compressionFromEnvironment(): 'gzip' | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: ofTraces, OTEL_EXPORTER_OTLP_COMPRESSION: ofAll } = process.env;
  return ofTraces?.trim() || ofAll?.trim() ? undefined : 'gzip';
}
