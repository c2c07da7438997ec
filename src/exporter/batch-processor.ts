import { TraceFlags } from '@opentelemetry/api';
import { badOption, badUnquoted, checkFields, requireObject } from '../util/validation.js';
import { checkExporter, EXPORTER_OPTIONS, RuntraceExporter, type RuntraceExporterOptions } from './exporter.js';
import type { ReadableSpan, SpanExporter } from './otlp/span.js';
import type { ExporterStats } from './stats.js';

/** The options of a {@link RuntraceBatchSpanProcessor}: those of a `RuntraceExporter`, or an exporter that was made before. */
export interface RuntraceBatchSpanProcessorOptions extends RuntraceExporterOptions {
  /** Delivers the spans: a `RuntraceExporter`, or any other exporter, which then is the one destination. Default: a `RuntraceExporter` made from the other options. */
  exporter?: SpanExporter | undefined;
}

export const BATCH_PROCESSOR_OPTIONS = ['exporter', ...EXPORTER_OPTIONS];

/**
 * The batch processor for large spans: bounded in bytes, not in spans, with several requests under way, and every dropped span
 * counted. With no argument it sends to the endpoint of the `OTEL_EXPORTER_OTLP_*` variables.
 *
 * Its queue is the exporter's: see `RuntraceExporterOptions` for every bound and its default.
 *
 * @throws TypeError from the constructor, if an option can't be used.
 * @example new NodeSDK({ spanProcessors: [new StatusPrioritySpanProcessor(), new RuntraceBatchSpanProcessor()] })
 */
export class RuntraceBatchSpanProcessor {
  readonly #exporter: RuntraceExporter;

  constructor(options: RuntraceBatchSpanProcessorOptions = {}) {
    // The SDK's own processor takes the exporter as its argument.
    if ('export' in requireObject(options, 'options')) throw badUnquoted('options', '{ exporter }', 'an exporter');
    checkFields(options, 'options', BATCH_PROCESSOR_OPTIONS);
    const { exporter, ...rest } = options;
    if (exporter !== undefined) checkOptionsBeside(exporter, rest);
    if (exporter instanceof RuntraceExporter) this.#exporter = exporter;
    else this.#exporter = new RuntraceExporter(exporter === undefined ? rest : { ...rest, destinations: [exporter] });
  }

  onStart(): void {}

  /** Takes the span if it is sampled. Returns at once. */
  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) this.#exporter.add(span);
  }

  /** Resolves when every span that ended before is delivered, on disk or counted as dropped, or after `flushTimeoutMillis`. */
  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush();
  }

  /** Flushes, within `shutdownTimeoutMillis`. What is left then goes to the spool, or is dropped, counted and reported. */
  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  /** How many spans were sent, dropped and so on: of all destinations together (a span counts once for each), or of the one with that name. */
  stats(destination?: string): ExporterStats {
    return this.#exporter.stats(destination);
  }
}

/** An option beside an exporter would have no effect: a `RuntraceExporter` has its own. */
function checkOptionsBeside(exporter: SpanExporter, options: RuntraceExporterOptions): void {
  checkExporter(exporter, 'exporter');
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (exporter instanceof RuntraceExporter) throw badOption(name, 'an option of the exporter that is given', value);
    if (name === 'destinations') throw badOption(name, 'absent where an exporter is given', value);
  }
}
