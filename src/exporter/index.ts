export { RunTraceExporter, type RunTraceExporterOptions } from './exporter.js';
export { OTLPFileExporter, type OTLPFileExporterOptions } from './file.js';
