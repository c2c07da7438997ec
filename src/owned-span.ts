import {
  type Context,
  type Span,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import { withStarting } from './context.js';
import type { FinishDetails } from './outcome.js';
import { report } from './report.js';
import type { Status } from './status.js';
import { toHrTime } from './time.js';

/** What stands behind a span of ours: a run or a step. */
export interface SpanOwner {
  /** Proposes how it ended, for `reportStatus`. */
  report(status: Status, details: FinishDetails | undefined): void;
  /** Settles what is held, if its run is over. */
  flush(): void;
  /** Settles everything; what still runs is proposed `interrupted`. */
  shutdown(): void;
}

const owners = new WeakMap<object, OwnedSpan>();

/** The span of ours that `span` is, if it is one. */
export function ownedSpanOf(span: object): OwnedSpan | undefined {
  return owners.get(span);
}

/**
 * A span that runtrace started, through the OpenTelemetry API, and ends once.
 *
 * A `StatusPrioritySpanProcessor` that sees it start guards it: a foreign `end()` is ignored, and the status is written where nobody
 * comes after. Without one it works all the same.
 */
export class OwnedSpan {
  readonly span: Span;
  /** Whether it is kept. Not so if it is not sampled, or its provider was shut down. */
  readonly recording: boolean;
  readonly isRun: boolean;
  #owner: SpanOwner | undefined;
  #end: ((time: ReturnType<typeof toHrTime>) => void) | undefined;
  #status: SpanStatus | undefined;
  #refused = false;
  #onOwner: ((owner: SpanOwner) => void) | undefined;

  constructor(tracer: Tracer, name: string, options: SpanOptions, ctx: Context, isRun: boolean) {
    this.isRun = isRun;
    this.span = tracer.startSpan(name, options, withStarting(ctx, this));
    this.recording = this.span.isRecording() && !this.#refused;
    if (this.recording) owners.set(this.span, this);
  }

  get owner(): SpanOwner | undefined {
    return this.#owner;
  }

  set owner(owner: SpanOwner) {
    this.#owner = owner;
    this.#onOwner?.(owner);
  }

  /** The status that it ended with; `undefined` while it runs. */
  get status(): SpanStatus | undefined {
    return this.#status;
  }

  /** Called by the processor when the span starts: from now on only we end it. `onOwner` is told who stands behind it. */
  guard(span: Span, onOwner: (owner: SpanOwner) => void): void {
    // A second processor: it would take the first one's guard for the span's own end.
    if (this.#end) return;
    this.#onOwner = onOwner;
    this.#end = span.end.bind(span);
    Object.defineProperty(span, 'end', {
      configurable: true,
      value: () => report('somebody else called end() on a span of runtrace; it was ignored'),
    });
  }

  /** Called by a processor that was shut down: the span is not recorded. */
  refuse(): void {
    this.#refused = true;
  }

  end(status: SpanStatus, at: number): void {
    this.#status = status;
    if (status.code !== SpanStatusCode.UNSET) this.span.setStatus(status);
    const time = toHrTime(at);
    if (this.#end) this.#end(time);
    else this.span.end(time);
  }
}
