import {
  type Context,
  type Span,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import { toHrTime } from '../../otel/clock.js';
import { report } from '../../util/diagnostics.js';
import type { FinishDetails } from '../outcome/finish-details.js';
import type { Status } from '../outcome/status.js';

/** The recording that a runtrace span belongs to: a run or a step. */
export interface SpanOwner {
  /** For a root: the trace id that a `RunIdGenerator` gives its span. */
  readonly wantedTraceId?: string | undefined;
  /** Proposes a status, for `reportStatus`. */
  proposeStatus(status: Status, details: FinishDetails | undefined): void;
  /** Settles held steps, if their run is over. */
  flush(): void;
  /** Settles everything; proposes `interrupted` for what is in progress. */
  shutdown(): void;
}

/** The property of a runtrace span that holds its `ManagedSpan`. A registered symbol, so that a second copy of this package finds it too. */
const OWNED = Symbol.for('runtrace.owned');
/** The global that holds the `ManagedSpan` while its span is being started: the processor's `onStart` and the id generator read it. */
const STARTING = Symbol.for('runtrace.starting');

const slot = globalThis as { [STARTING]?: ManagedSpan | undefined };

/** The `ManagedSpan` of `span`, if runtrace started it. */
export function managedSpanOf(span: object): ManagedSpan | undefined {
  return (span as { [OWNED]?: ManagedSpan })[OWNED];
}

/** The runtrace span that is being started now. Returned once: another span that starts during that is not it. */
export function takeStarting(): ManagedSpan | undefined {
  const starting = slot[STARTING];
  slot[STARTING] = undefined;
  return starting;
}

/** The trace id for the runtrace span that is being started now. Returned once, as above. */
export function takeTraceId(): string | undefined {
  return slot[STARTING]?.takeTraceId();
}

/**
 * A span that runtrace started through the OpenTelemetry API, and ends once.
 *
 * A `StatusPrioritySpanProcessor` that sees it start guards it: it ignores a foreign `end()`, and writes the status after all others.
 * Without that processor the span ends in the same way, unguarded.
 */
export class ManagedSpan {
  readonly span: Span;
  /** False if the span is not sampled, or its provider was shut down. */
  readonly isRecording: boolean;
  /** Whether the processor flushes its owner: a run, or a step without a run. */
  readonly standsAlone: boolean;
  #owner: SpanOwner;
  #end: Span['end'] | undefined;
  #status: SpanStatus | undefined;
  #refused = false;
  #traceIdTaken = false;

  constructor(
    owner: SpanOwner,
    standsAlone: boolean,
    tracer: Tracer,
    name: string,
    options: SpanOptions,
    ctx: Context,
  ) {
    this.#owner = owner;
    this.standsAlone = standsAlone;
    slot[STARTING] = this;
    try {
      this.span = tracer.startSpan(name, options, ctx);
    } finally {
      slot[STARTING] = undefined;
    }
    this.isRecording = this.span.isRecording() && !this.#refused;
    if (this.isRecording) {
      try {
        (this.span as { [OWNED]?: ManagedSpan })[OWNED] = this;
      } catch {
        // Another provider's span may be frozen; then `managedSpanOf` does not find it.
      }
    }
  }

  get owner(): SpanOwner {
    return this.#owner;
  }

  /** The status that the span ended with; `undefined` until then. */
  get status(): SpanStatus | undefined {
    return this.#status;
  }

  /** Whether a `StatusPrioritySpanProcessor` saw it start. */
  get isGuarded(): boolean {
    return this.#end !== undefined;
  }

  takeTraceId(): string | undefined {
    if (this.#traceIdTaken) return undefined;
    this.#traceIdTaken = true;
    return this.#owner.wantedTraceId;
  }

  /** Called by the processor when the span starts: from now on, `end()` called by other code is ignored. */
  guard(span: Span): void {
    // At once, so that a second processor on the same provider knows it too.
    (span as { [OWNED]?: ManagedSpan })[OWNED] = this;
    this.#end = span.end;
    span.end = ignoreForeignEnd;
  }

  /** Called by a processor that was shut down: the span is not recorded. */
  refuse(): void {
    this.#refused = true;
  }

  /** Lets `write` write the span, then ends it. Reports an error in any of these, and goes on. */
  end(write: (span: Span) => void, status: SpanStatus, at: number): void {
    const { span } = this;
    this.#status = status;
    try {
      write(span);
    } catch (error) {
      report(NOT_WRITTEN, error);
    }
    try {
      if (status.code !== SpanStatusCode.UNSET) span.setStatus(status);
    } catch (error) {
      report(NOT_WRITTEN, error);
    }
    try {
      (this.#end ?? span.end).call(span, toHrTime(at));
    } catch (error) {
      report('a processor failed when a span ended', error);
    }
    // An exporter may hold the span for long; releasing the owner frees the recording.
    this.#owner = SETTLED;
  }
}

const SETTLED: SpanOwner = {
  proposeStatus: () => report('a status was reported on a span of runtrace after it had settled'),
  flush() {},
  shutdown() {},
};

const NOT_WRITTEN = 'a span could not be written';

function ignoreForeignEnd(): void {
  report('other code called end() on a span of runtrace; it was ignored');
}
