import type { Context, Span } from '@opentelemetry/api';
import {
  BATCH_PROCESSOR_OPTIONS,
  RuntraceBatchSpanProcessor,
  type RuntraceBatchSpanProcessorOptions,
} from '../exporter/batch-processor.js';
import { forgetAtExit, type Saver, saveAtExit } from '../exporter/exit/process-exit.js';
import { KeepGate, type NotKept } from '../exporter/keep/keep-gate.js';
import type { SettledRun } from '../exporter/keep/settled-run.js';
import type { ReadableSpan } from '../exporter/otlp/span.js';
import type { Amount, ExporterStats } from '../exporter/stats.js';
import { runOf } from '../spans/context.js';
import { markStatusProcessor } from '../spans/omissions/processor-check.js';
import { guarded } from '../util/diagnostics.js';
import { badUnquoted, checkFields, requireFunction, requireObject } from '../util/validation.js';
import { StatusPrioritySpanProcessor } from './status-processor.js';

/**
 * Options of a {@link RuntraceSpanProcessor}: where spans go (`url`, `exporter` or `destinations`; without any of them, where the
 * `OTEL_EXPORTER_OTLP_*` variables say), the bounds of the delivery with their units and defaults, and `keep`.
 */
export interface RuntraceSpanProcessorOptions extends RuntraceBatchSpanProcessorOptions {
  /**
   * Decides which runs are delivered. It is called when an outermost run has settled, and decides for the whole run: its steps,
   * tools, the runs inside of it, and every other span of its trace that this process made. With `trace: 'join'` it decides for the
   * run and what started inside of it; the spans around it are delivered. Spans outside of runs are delivered.
   *
   * It is called synchronously, where the run ends: keep it short and without side effects, because it is called a second time for a
   * run that `sampledByTraceId` may have kept. If it throws or returns no boolean, the run is kept.
   *
   * Until the decision the run's ended spans wait in memory: at most 16 MiB and 10 minutes per run, 64 MiB in all. A run that
   * exceeds one of these is kept. So are undecided runs on `shutdown()` and when the process ends.
   *
   * Default: every run is delivered, each span as soon as it has ended.
   */
  keep?: ((run: SettledRun) => boolean) | undefined;
}

/** What became of the spans: those of the exporter, and those that never reached it because of `keep`. */
export interface RuntraceSpanProcessorStats extends ExporterStats {
  /** Runs for which `keep` returned false, and the spans that belonged to them; once, however many destinations there are. */
  notKept: NotKept;
  /** Ended spans that wait for `keep` at this moment. They are not `taken` yet. */
  undecided: Amount;
}

/**
 * All of runtrace that a tracer provider needs, in one span processor: it applies the status-priority rule, as
 * `StatusPrioritySpanProcessor` does, and then delivers the spans, as `RuntraceBatchSpanProcessor` does. List it before other
 * processors, so that they see the outcomes too.
 *
 * It implements the `SpanProcessor` of the SDK 2.x and 3.x.
 *
 * @throws TypeError when made, for an unknown option or one that can't be used.
 * @example
 * // Where the OTEL_EXPORTER_OTLP_* variables say:
 * new NodeSDK({ spanProcessors: [new RuntraceSpanProcessor()] });
 * @example
 * // Through the exporter that you have, and only what failed, was slow, or belongs to a share of 5 %:
 * new RuntraceSpanProcessor({
 *   exporter: new OTLPTraceExporter(),
 *   keep: (run) =>
 *     run.status !== 'completed' || run.failedAttempts > 0 || run.durationMillis > 10_000 || sampledByTraceId(run.traceId, 0.05),
 * });
 */
export class RuntraceSpanProcessor {
  readonly #rule = new StatusPrioritySpanProcessor();
  readonly #delivery: RuntraceBatchSpanProcessor;
  readonly #gate: KeepGate | undefined;

  constructor(options: RuntraceSpanProcessorOptions = {}) {
    if ('export' in requireObject(options, 'options')) throw badUnquoted('options', '{ exporter }', 'an exporter');
    checkFields(options, 'options', [...BATCH_PROCESSOR_OPTIONS, 'keep']);
    const { keep, ...delivery } = options;
    if (keep !== undefined) requireFunction(keep, 'keep');
    this.#delivery = new RuntraceBatchSpanProcessor(delivery);
    if (keep) this.#gate = new KeepGate({ keep, deliver: (span) => this.#delivery.onEnd(span) });
    markStatusProcessor(this, true);
    saveAtExit(this.#saver);
  }

  onStart(span: Span, parentContext: Context): void {
    this.#rule.onStart(span, parentContext);
    const gate = this.#gate;
    if (gate) {
      guarded('keep could not be prepared for a span', () =>
        gate.onStart(span, parentContext, runOf(parentContext)?.recording.span),
      );
    }
  }

  /** Takes the span and returns at once. It is delivered if it is sampled, and if `keep` keeps its run. */
  onEnd(span: ReadableSpan): void {
    this.#rule.onEnd(span);
    const gate = this.#gate;
    if (gate) guarded('keep could not be applied to a span', () => gate.onEnd(span));
    else this.#delivery.onEnd(span);
  }

  /**
   * Settles the held steps of runs that are over, then resolves when every span that ended before is delivered, on disk or counted
   * as dropped; or after `flushTimeoutMillis`. Spans of runs that `keep` has not decided about stay in memory.
   */
  async forceFlush(): Promise<void> {
    await this.#rule.forceFlush();
    await this.#delivery.forceFlush();
  }

  /**
   * Settles everything, runs in progress as `interrupted`, and delivers it within `shutdownTimeoutMillis`. `keep` is not asked any
   * more: what it has not decided about is kept.
   */
  async shutdown(): Promise<void> {
    forgetAtExit(this.#saver);
    this.#gate?.close();
    await this.#rule.shutdown();
    await this.#delivery.shutdown();
  }

  /** What became of the spans: of all destinations together (a span counts once for each), or of the one with that name. */
  stats(destination?: string): RuntraceSpanProcessorStats {
    return {
      ...this.#delivery.stats(destination),
      notKept: this.#gate?.notKept ?? { runs: 0, spans: 0, bytes: 0 },
      undecided: this.#gate?.undecided ?? { spans: 0, bytes: 0 },
    };
  }

  /**
   * The process ends without a shutdown. What `keep` has not decided about is kept, and runs in progress end as interrupted. The
   * exporter then sends, saves or counts what it got: it was made before this processor, so it is called after it.
   */
  readonly #saver: Saver = {
    beforeExit: () => this.#settleAtEnd(),
    exit: () => this.#settleAtEnd(),
  };

  #settleAtEnd(): void {
    // What is over is settled before the promise is returned, and `keep` is asked about it.
    void this.#rule.forceFlush();
    const settleAll = () => this.#rule.settleAll();
    guarded('runs in progress could not be kept', () => (this.#gate ? this.#gate.keepingAll(settleAll) : settleAll()));
  }
}
