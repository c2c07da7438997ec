export { RunTraceBatchSpanProcessor, type RunTraceBatchSpanProcessorOptions } from './batch.js';
export type { EndpointOptions } from './endpoint.js';
export { RunTraceExporter, type RunTraceExporterOptions } from './exporter.js';
export { OTLPFileExporter, type OTLPFileExporterOptions } from './file.js';
export type { ExportResult, ReadableSpan, SpanExporter } from './span.js';
export type { SpoolOptions } from './spool.js';
export type { Amount, Counted, ExporterStats } from './stats.js';
