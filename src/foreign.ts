/** Model spans of other instrumentations: the attempts go on them, and no second span is made. */
import { type Context, type Span, trace } from '@opentelemetry/api';
import { AttemptLog, attemptAttributes } from './attempt.js';
import * as names from './attributes.js';
import type { Capturing } from './capture.js';
import { type AttemptOwner, type Ending, isSameRequest, type LiveAttempt, type Outgoing } from './exchange.js';
import { ownedSpanOf } from './owned-span.js';
import type { RunHandle, RunPart, RunRecording } from './run.js';
import { StepRecording } from './step.js';
import { type Clock, toHrTime } from './time.js';
import type { ModelCall } from './wire/model-call.js';

/** Operations that are one model call; an agent's or a tool's span holds many, or none. */
const MODEL_OPERATIONS: readonly unknown[] = ['chat', 'text_completion', 'generate_content', 'embeddings'];

const calls = new WeakMap<Span, ForeignCall>();

/** Somebody else's model span, if the active one is: the attempts of a call in it go there. */
export function foreignCallIn(active: Context, run: RunHandle): AttemptOwner | undefined {
  const span = trace.getSpan(active);
  if (!span || ownedSpanOf(span) || !span.isRecording() || !isModelSpan(span)) return undefined;
  let call = calls.get(span);
  if (!call || call.settled) {
    call = new ForeignCall(span, run.recording, active);
    calls.set(span, call);
  }
  return call;
}

function isModelSpan(span: Span): boolean {
  const { attributes } = span as { attributes?: Record<string, unknown> };
  if (!attributes) return false;
  return (
    MODEL_OPERATIONS.includes(attributes[names.GEN_AI_OPERATION_NAME]) ||
    attributes[names.OPENINFERENCE_SPAN_KIND] === 'LLM'
  );
}

/**
 * The attempts on one such span, each an event as it ends. Where the span's owner ends it before they are over, or has not ended it when
 * the run settles, a step of ours is exported with them after all.
 */
class ForeignCall implements AttemptOwner, RunPart {
  readonly #span: Span;
  readonly #run: RunRecording;
  readonly #context: Context;
  readonly #log: AttemptLog;
  readonly #live = new Set<LiveAttempt>();
  #last: Ending | undefined;
  #lastResendCount = 0;
  #signOfLife = performance.now();
  #step: StepRecording | undefined;
  settled = false;

  constructor(span: Span, run: RunRecording, ctx: Context) {
    this.#span = span;
    this.#run = run;
    this.#context = ctx;
    this.#log = new AttemptLog(run.capturing);
    run.add(this);
  }

  get capturing(): Capturing {
    return this.#run.capturing;
  }

  get now(): Clock {
    return this.#run.now;
  }

  get finished(): boolean {
    return this.#live.size === 0 && !this.#span.isRecording();
  }

  contextFor(active: Context): Context {
    return active;
  }

  recall(outgoing: Outgoing): ModelCall | undefined {
    return this.#last && isSameRequest(this.#last.outgoing, outgoing) ? this.#last.call : undefined;
  }

  begin(live: LiveAttempt): { number: number; resendCount: number } {
    this.concludeRefused();
    const { outgoing } = live;
    const isResend = this.#last !== undefined && isSameRequest(this.#last.outgoing, outgoing);
    this.#lastResendCount = outgoing.retryCount ?? (isResend ? this.#lastResendCount + 1 : 0);
    this.#live.add(live);
    return { number: this.#log.next(), resendCount: this.#lastResendCount };
  }

  refused(): void {}

  end(live: LiveAttempt, ending: Ending): void {
    this.#live.delete(live);
    this.#signOfLife = performance.now();
    this.#last = ending;
    this.#log.record(ending.attempt);
    if (this.#step) this.#step.proposeEnding(ending);
    else if (this.#span.isRecording()) this.#writeEvent(ending.attempt.number);
    else this.#makeStep(ending);
    this.#run.partChanged();
  }

  amend(ending: Ending): void {
    this.#step?.amend(ending);
  }

  patience(overAt: number, now: number): number {
    let idleSince = Math.max(overAt, this.#signOfLife);
    for (const live of this.#live) {
      const since = live.idleSince();
      if (since === undefined) return Number.POSITIVE_INFINITY;
      idleSince = Math.max(idleSince, since);
    }
    return this.finished ? 0 : Math.max(0, idleSince + this.capturing.limits.settleMillis - now);
  }

  settle(): void {
    if (this.settled) return;
    this.settled = true;
    calls.delete(this.#span);
    for (const live of [...this.#live]) live.giveUp();
    // Whatever its owner does with it later, the run is exported now.
    if (!this.#step && this.#last && this.#span.isRecording()) this.#makeStep(this.#last);
    this.#run.takeIn(this, {
      status: 'completed',
      stepCount: 0,
      attemptCount: this.#step ? 0 : this.#log.count,
      failedAttemptCount: this.#step ? 0 : this.#log.failedCount,
      usage: {},
      endpoint: undefined,
    });
  }

  concludeRefused(): void {
    for (const live of this.#live) if (live.refused) live.giveUp();
  }

  #writeEvent(number: number): void {
    const attempt = this.#log.get(number);
    if (!attempt) return;
    const attributes = attemptAttributes(attempt, this.#log.get(number - 1));
    this.#span.addEvent(names.EVENT_ATTEMPT, attributes, toHrTime(attempt.startedAt));
  }

  #makeStep(ending: Ending): void {
    const startedAt = this.#log.get(1)?.startedAt ?? ending.attempt.startedAt;
    this.#step = new StepRecording(this.#run, {}, this.#context, true, { startedAt, log: this.#log });
    this.#step.proposeEnding(ending);
  }
}
