import { type Context, isSpanContextValid, type Span, TraceFlags, trace } from '@opentelemetry/api';
import * as names from '../../otel/names.js';
import { unwrapped } from '../../otel/unwrap-span.js';
import { guarded, report } from '../../util/diagnostics.js';
import { type Clock, realClock } from '../clock.js';
import { spanBytes } from '../otlp/size.js';
import { copySpanWith, type ReadableSpan } from '../otlp/span.js';
import { SPAN_OVERHEAD_BYTES } from '../queue.js';
import type { Amount } from '../stats.js';
import { decide, type Keep } from './sampled-by-trace-id.js';
import { figuresOf, isRun, type RunFigures, settledRun, sumOfFigures } from './settled-run.js';

/** What the ended spans of one undecided run may take in memory, in bytes. */
const MAX_RUN_BYTES = 16 * 1024 * 1024;
/** What those of all undecided runs may take together, in bytes. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** How long an ended span may wait for the decision. */
export const MAX_WAITING_MILLIS = 10 * 60_000;
/** How many traces of decided runs are remembered, for spans that have no parent in this process. */
const MAX_REMEMBERED_TRACES = 10_000;

export interface KeepGateOptions {
  keep: Keep;
  /** Takes the spans that are delivered; passes over those that are not sampled. */
  deliver(span: ReadableSpan): void;
  clock?: Clock;
}

/** What was not kept: the runs, and all spans that belonged to them. */
export interface NotKept extends Amount {
  runs: number;
}

/** An outermost run. */
interface RunGroup {
  readonly traceId: string;
  readonly rootSpanId: string;
  decision: 'undecided' | 'kept' | 'not kept';
  /** Ended spans that wait for the decision, in the order of their ends. */
  waiting: ReadableSpan[];
  waitingBytes: number;
  /** When the first of them ended. */
  waitingSince: number;
  /** Of the runs inside of it that have settled. */
  inside: RunFigures | undefined;
}

/** A trace that several outermost runs began with: a span without a parent in this process may belong to any of them. */
const SHARED = 'shared';

/**
 * Holds the ended spans of each outermost run until it has settled, asks `keep`, and delivers all of them or none. Spans that
 * belong to no run pass.
 *
 * A span belongs to the run that its parent belongs to. If its parent is not a span of this process, it belongs to the run
 * that its trace began with. A run with `trace: 'join'` began no trace: only its descendants belong to it.
 */
export class KeepGate {
  readonly #keep: Keep;
  readonly #deliver: (span: ReadableSpan) => void;
  readonly #clock: Clock;
  /** By span, as long as the span is in memory: a span may start under one that ended long ago. */
  readonly #groups = new WeakMap<object, RunGroup>();
  /** By the id of the trace that the run began. */
  readonly #undecidedTraces = new Map<string, RunGroup>();
  /** The same, the oldest decision first. A trace that was forgotten passes. */
  readonly #decidedTraces = new Map<string, RunGroup | typeof SHARED>();
  /** Undecided runs that have spans waiting, in the order of `waitingSince`. */
  readonly #waiting = new Set<RunGroup>();
  readonly #undecided: Amount = { spans: 0, bytes: 0 };
  readonly #notKept: NotKept = { runs: 0, spans: 0, bytes: 0 };
  #isTimerSet = false;
  #isClosed = false;

  constructor({ keep, deliver, clock = realClock }: KeepGateOptions) {
    this.#keep = keep;
    this.#deliver = deliver;
    this.#clock = clock;
  }

  /** Spans that wait for a decision at this moment. */
  get undecided(): Amount {
    return { ...this.#undecided };
  }

  get notKept(): NotKept {
    return { ...this.#notKept };
  }

  /** `runSpan` is the span of the run around it, for a parent that is not recorded and so leads nowhere. */
  onStart(span: Span, parentContext: Context, runSpan: object | undefined): void {
    const { traceId, spanId } = span.spanContext();
    const parent = trace.getSpan(parentContext);
    const isRoot = !parent || !isSpanContextValid(parent.spanContext());
    const startsRun = isRun(span);
    let group = startsRun && isRoot ? undefined : this.#groupUnder(traceId, parent, runSpan);
    if (!group && startsRun) {
      group = {
        traceId,
        rootSpanId: spanId,
        decision: 'undecided',
        waiting: [],
        waitingBytes: 0,
        waitingSince: 0,
        inside: undefined,
      };
      if (isRoot) this.#ownTrace(group);
    }
    if (group) this.#groups.set(span, group);
  }

  onEnd(span: ReadableSpan): void {
    const { traceId, spanId } = span.spanContext();
    // Another processor may wrap this one and hand it a copy of the span.
    const group = this.#groups.get(span) ?? this.#groupOfTrace(traceId);
    if (!group) {
      this.#deliver(span);
      return;
    }
    if (this.#isClosed) this.#decide(group, 'kept');
    if (spanId === group.rootSpanId) this.#settle(group, span);
    else this.#pass(group, span);
  }

  /** Delivers everything that is undecided. From now on nothing is asked: every run that is not decided is kept. */
  close(): void {
    this.#isClosed = true;
    for (const group of this.#waiting) this.#decide(group, 'kept');
  }

  /** Delivers everything that is undecided, and all runs that settle in `fn`. */
  keepingAll(fn: () => void): void {
    const wasClosed = this.#isClosed;
    this.close();
    try {
      fn();
    } finally {
      this.#isClosed = wasClosed;
    }
  }

  #groupUnder(traceId: string, parent: Span | undefined, runSpan: object | undefined): RunGroup | undefined {
    const ofParent = parent && this.#groups.get(unwrapped(parent));
    if (ofParent?.traceId === traceId) return ofParent;
    const ofRun = runSpan && !parent?.isRecording() ? this.#groups.get(runSpan) : undefined;
    if (ofRun?.traceId === traceId) return ofRun;
    return this.#groupOfTrace(traceId);
  }

  #groupOfTrace(traceId: string): RunGroup | undefined {
    const group = this.#undecidedTraces.get(traceId) ?? this.#decidedTraces.get(traceId);
    return group === SHARED ? undefined : group;
  }

  #ownTrace(group: RunGroup): void {
    const { traceId } = group;
    if (this.#undecidedTraces.delete(traceId) || this.#decidedTraces.has(traceId)) this.#remember(traceId, SHARED);
    else this.#undecidedTraces.set(traceId, group);
  }

  #remember(traceId: string, group: RunGroup | typeof SHARED): void {
    this.#decidedTraces.delete(traceId);
    this.#decidedTraces.set(traceId, group);
    if (this.#decidedTraces.size <= MAX_REMEMBERED_TRACES) return;
    const [oldest] = this.#decidedTraces.keys();
    if (oldest !== undefined) this.#decidedTraces.delete(oldest);
  }

  /** `root` is the span of the outermost run itself, so the run has settled. */
  #settle(group: RunGroup, root: ReadableSpan): void {
    if (group.decision !== 'undecided') {
      this.#pass(group, root);
      return;
    }
    const run = settledRun(root, group.inside);
    if (!run) report('a run lacks attributes that keep needs; it is kept');
    const { isKept, samplingRatio } = run ? decide(this.#keep, run) : { isKept: true };
    if (this.#decide(group, isKept ? 'kept' : 'not kept') && !isKept && isSampled(root)) this.#notKept.runs++;
    // On a copy: to other processors the run is not sampled.
    const attributes = samplingRatio !== undefined && { ...root.attributes, [names.RUN_SAMPLING_RATIO]: samplingRatio };
    this.#pass(group, attributes ? copySpanWith(root, { attributes }) : root);
  }

  #pass(group: RunGroup, span: ReadableSpan): void {
    if (group.decision === 'kept') this.#deliver(span);
    else if (!isSampled(span)) return;
    else if (group.decision === 'undecided') this.#hold(group, span);
    else this.#countNotKept(1, readBytes(span));
  }

  #hold(group: RunGroup, span: ReadableSpan): void {
    const bytes = readBytes(span);
    const inRun = memoryBytes(group.waiting.length + 1, group.waitingBytes + bytes);
    const inAll = memoryBytes(this.#undecided.spans + 1, this.#undecided.bytes + bytes);
    if (inRun > MAX_RUN_BYTES || inAll > MAX_WAITING_BYTES) {
      report('spans of a run take more memory than may wait for keep; the run is kept');
      this.#decide(group, 'kept');
      this.#deliver(span);
      return;
    }
    const inside = isRun(span) ? figuresOf(span) : undefined;
    if (inside) group.inside = group.inside ? sumOfFigures(group.inside, inside) : inside;
    if (group.waiting.length === 0) {
      group.waitingSince = this.#clock.now();
      this.#waiting.add(group);
      this.#setTimer(MAX_WAITING_MILLIS);
    }
    group.waiting.push(span);
    group.waitingBytes += bytes;
    this.#undecided.spans++;
    this.#undecided.bytes += bytes;
  }

  /** Returns false if it was decided before: a decision is final. */
  #decide(group: RunGroup, decision: 'kept' | 'not kept'): boolean {
    if (group.decision !== 'undecided') return false;
    group.decision = decision;
    if (this.#undecidedTraces.get(group.traceId) === group) {
      this.#undecidedTraces.delete(group.traceId);
      this.#remember(group.traceId, group);
    }
    const { waiting, waitingBytes } = group;
    group.waiting = [];
    group.waitingBytes = 0;
    this.#waiting.delete(group);
    this.#undecided.spans -= waiting.length;
    this.#undecided.bytes -= waitingBytes;
    if (decision === 'kept') for (const span of waiting) this.#deliver(span);
    else this.#countNotKept(waiting.length, waitingBytes);
    return true;
  }

  #countNotKept(spans: number, bytes: number): void {
    this.#notKept.spans += spans;
    this.#notKept.bytes += bytes;
  }

  /** One timer for all runs. */
  #setTimer(millis: number): void {
    if (this.#isTimerSet) return;
    this.#isTimerSet = true;
    this.#clock.after(millis, () => {
      this.#isTimerSet = false;
      this.#keepOverdue();
    });
  }

  #keepOverdue(): void {
    for (const group of this.#waiting) {
      const rest = group.waitingSince + MAX_WAITING_MILLIS - this.#clock.now();
      if (rest > 0) {
        this.#setTimer(rest);
        return;
      }
      report('spans of a run have waited too long for keep; the run is kept');
      this.#decide(group, 'kept');
    }
  }
}

function isSampled(span: ReadableSpan): boolean {
  return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** A span that can't be read counts as nothing here; if it is kept, the exporter counts it as dropped. */
function readBytes(span: ReadableSpan): number {
  return guarded('a span could not be read', () => spanBytes(span)) ?? 0;
}

function memoryBytes(spans: number, bytes: number): number {
  return bytes + spans * SPAN_OVERHEAD_BYTES;
}
