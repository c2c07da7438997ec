import { startLiveChannel } from './live/start.js';
import { guarded } from './util/diagnostics.js';

export { RuntraceBatchSpanProcessor, type RuntraceBatchSpanProcessorOptions } from './exporter/batch-processor.js';
export type { EndpointOptions } from './exporter/endpoint.js';
export { RuntraceExporter, type RuntraceExporterOptions } from './exporter/exporter.js';
export type { NotKept } from './exporter/keep/keep-gate.js';
export { sampledByTraceId } from './exporter/keep/sampled-by-trace-id.js';
export type { SettledRun } from './exporter/keep/settled-run.js';
export { OTLPFileExporter, type OTLPFileExporterOptions } from './exporter/otlp/file-exporter.js';
export type { ExportResult, ReadableSpan, SpanExporter } from './exporter/otlp/span.js';
export type { SpoolOptions } from './exporter/spool/options.js';
export type { Amount, Counted, ExporterStats } from './exporter/stats.js';
export {
  RuntraceSpanProcessor,
  type RuntraceSpanProcessorOptions,
  type RuntraceSpanProcessorStats,
} from './recorder/runtrace-span-processor.js';

// Where `RUNTRACE_VIEW` names a viewer. `runtrace/register` does so too.
guarded('runs in progress can not be shown', startLiveChannel);
