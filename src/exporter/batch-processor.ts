import { TraceFlags } from '@opentelemetry/api';
import { badOption, requireObject } from '../util/validation.js';
import { checkExporter, RuntraceExporter, type RuntraceExporterOptions } from './exporter.js';
import type { ReadableSpan, SpanExporter } from './otlp/span.js';
import type { ExporterStats } from './stats.js';

export interface RuntraceBatchSpanProcessorOptions extends RuntraceExporterOptions {
  /** What sends: a `RuntraceExporter`, or any other exporter, which then is its one destination. Default: one of the other options. */
  exporter?: SpanExporter;
}

/**
 * The batch processor for large spans: bounded in bytes, not in spans, with several requests under way, and nothing
 * dropped without being counted. With no argument it sends where the `OTEL_EXPORTER_OTLP_*` variables say.
 *
 * Its queue is the exporter's: see `RuntraceExporterOptions` for every bound and its default.
 *
 * @throws TypeError when made, if an option or the environment can't be used.
 * @example new NodeSDK({ spanProcessors: [new StatusPrioritySpanProcessor(), new RuntraceBatchSpanProcessor()] })
 */
export class RuntraceBatchSpanProcessor {
  readonly #exporter: RuntraceExporter;

  constructor(options: RuntraceBatchSpanProcessorOptions = {}) {
    // As the SDK's own processor takes it.
    if ('export' in requireObject(options, 'options')) throw badOption('options', '{ exporter }', 'an exporter');
    const { exporter, ...rest } = options;
    if (exporter !== undefined) checkOptionsBeside(exporter, rest);
    if (exporter instanceof RuntraceExporter) this.#exporter = exporter;
    else this.#exporter = new RuntraceExporter(exporter === undefined ? rest : { ...rest, destinations: [exporter] });
  }

  onStart(): void {}

  /** Takes the span, if it is sampled, and returns at once. */
  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) this.#exporter.add(span);
  }

  /** Resolves when every span that ended before is delivered, on disk or counted as dropped; or after `flushTimeoutMillis`. */
  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush();
  }

  /** Flushes, within `shutdownTimeoutMillis`; what is left then goes to the spool, or is dropped, counted and reported. */
  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  /** What became of the spans: of all destinations together (a span counts once for each), or of the one with that name. */
  stats(destination?: string): ExporterStats {
    return this.#exporter.stats(destination);
  }
}

/** Nothing that is given goes unheard: a `RuntraceExporter` has its own options. */
function checkOptionsBeside(exporter: SpanExporter, options: RuntraceExporterOptions): void {
  checkExporter(exporter, 'exporter');
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (exporter instanceof RuntraceExporter) throw badOption(name, 'an option of the exporter that is given', value);
    if (name === 'destinations') throw badOption(name, 'absent where an exporter is given', value);
  }
}
