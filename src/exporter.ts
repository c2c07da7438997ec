export { RuntraceBatchSpanProcessor, type RuntraceBatchSpanProcessorOptions } from './exporter/batch-processor.js';
export type { EndpointOptions } from './exporter/endpoint.js';
export { RuntraceExporter, type RuntraceExporterOptions } from './exporter/exporter.js';
export { OTLPFileExporter, type OTLPFileExporterOptions } from './exporter/otlp/file-exporter.js';
export type { ExportResult, ReadableSpan, SpanExporter } from './exporter/otlp/span.js';
export type { SpoolOptions } from './exporter/spool/options.js';
export type { Amount, Counted, ExporterStats } from './exporter/stats.js';
