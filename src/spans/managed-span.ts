import {
  type Context,
  type Span,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import { toHrTime } from '../otel/clock.js';
import { report } from '../util/diagnostics.js';
import type { FinishDetails } from './outcome/finish-details.js';
import type { Status } from './outcome/status.js';

/** What stands behind a span of ours: a run or a step. */
export interface SpanOwner {
  /** The trace that its span begins with a `RunIdGenerator`, if it is a root. */
  readonly wantedTraceId?: string | undefined;
  /** Proposes how it ended, for `reportStatus`. */
  proposeStatus(status: Status, details: FinishDetails | undefined): void;
  /** Settles what is held, if its run is over. */
  flush(): void;
  /** Settles everything; what still runs is proposed `interrupted`. */
  shutdown(): void;
}

/** On a span of ours: what it is here. A symbol of the registry, so that a second copy of this package knows it too. */
const OWNED = Symbol.for('runtrace.owned');
/** In the process, while a span of ours is being started: how the processor's `onStart` and the id generator get to know it. */
const STARTING = Symbol.for('runtrace.starting');

const slot = globalThis as { [STARTING]?: ManagedSpan | undefined };

/** The span of ours that `span` is, if it is one. */
export function managedSpanOf(span: object): ManagedSpan | undefined {
  return (span as { [OWNED]?: ManagedSpan })[OWNED];
}

/** The span of ours that is being started right now. It is given once: whatever else starts meanwhile is not it. */
export function takeStarting(): ManagedSpan | undefined {
  const starting = slot[STARTING];
  slot[STARTING] = undefined;
  return starting;
}

/** The trace id for the span of ours that is being started right now. It is given once, as above. */
export function takeTraceId(): string | undefined {
  return slot[STARTING]?.takeTraceId();
}

/**
 * A span that runtrace started, through the OpenTelemetry API, and ends once.
 *
 * A `StatusPrioritySpanProcessor` that sees it start guards it: a foreign `end()` is ignored, and the status is written where nobody
 * comes after. Without one it works all the same.
 */
export class ManagedSpan {
  readonly span: Span;
  /** Whether it is kept. Not so if it is not sampled, or its provider was shut down. */
  readonly isRecording: boolean;
  /** Whether nobody but the processor asks its owner to settle: it is a run, or a step where there is none. */
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
        // Another provider's span may be frozen; then only its owner knows that it is ours.
      }
    }
  }

  get owner(): SpanOwner {
    return this.#owner;
  }

  /** The status that it ended with; `undefined` while it runs. */
  get status(): SpanStatus | undefined {
    return this.#status;
  }

  takeTraceId(): string | undefined {
    if (this.#traceIdTaken) return undefined;
    this.#traceIdTaken = true;
    return this.#owner.wantedTraceId;
  }

  /** Called by the processor when the span starts: from now on only we end it. */
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

  /** Ends it, with what `write` writes of it; whatever fails in it, the rest of the run goes on. */
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
    // An exporter may keep the span for long; what was recorded beside it is not needed any more.
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
  report('somebody else called end() on a span of runtrace; it was ignored');
}
