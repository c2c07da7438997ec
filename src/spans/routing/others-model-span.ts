/** Model spans of other instrumentations: runtrace adds the attempts to them as events and makes no second span. */
import { type Context, type HrTime, type Span, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import { type Clock, toHrTime } from '../../otel/clock.js';
import * as names from '../../otel/names.js';
import { unwrapped } from '../../otel/unwrap-span.js';
import { attemptAttributes } from '../attempts/attempt-event.js';
import { AttemptLog } from '../attempts/attempt-log.js';
import type { AttemptEnd, AttemptOwner, PendingAttempt } from '../attempts/http-exchange.js';
import { Resends } from '../attempts/resends.js';
import { capturingIn } from '../context.js';
import { endingProposal, toProposal } from '../outcome/proposals.js';
import type { RunPart, StepHome, StepSummary } from '../run-part.js';
import { type Activity, activityOf } from '../settle/idle.js';
import { StepRecording } from '../step.js';
import { modelSpanIn } from './model-span.js';

const calls = new WeakMap<Span, OthersModelSpan>();

/** Whether a model span of another instrumentation is active, or is around the active span. */
export function isInOthersModelSpan(active: Context): boolean {
  const span = modelSpanIn(active);
  return span !== undefined && (calls.has(span) || span.isRecording());
}

/**
 * The owner of attempts that are made while another instrumentation's model span is active, also after that span has ended.
 * `home` is called at the first attempt in that span; it returns the home that a step of runtrace would have here.
 */
export function othersModelSpanIn(active: Context, home: () => StepHome | undefined): AttemptOwner | undefined {
  const span = modelSpanIn(active);
  if (!span) return undefined;
  const known = calls.get(span);
  if (known && !known.settled) return known;
  if (!span.isRecording()) return undefined;
  const stepHome = home();
  if (!stepHome) return undefined;
  const call = new OthersModelSpan(span, trace.setSpan(active, span), stepHome);
  calls.set(span, call);
  return call;
}

/**
 * The attempts on one such span. Each becomes an event when it ends. runtrace exports a step of its own after all in two cases: if the
 * owner ends the span before the attempts are over, as a child of that span; and if the owner has not ended it when the run settles, as a
 * child of the run, because an open span may never be exported.
 */
class OthersModelSpan implements AttemptOwner, RunPart {
  readonly #span: Span;
  readonly #context: Context;
  readonly home: StepHome;
  readonly capturing: CaptureSettings;
  readonly #log: AttemptLog;
  readonly #resends = new Resends();
  readonly #live = new Set<PendingAttempt>();
  #last: AttemptEnd | undefined;
  #signOfLife = performance.now();
  /** Made when the owner has ended the span too early. From then on the attempts belong to this step. */
  #step: StepRecording | undefined;
  #settled = false;

  constructor(span: Span, ctx: Context, home: StepHome) {
    this.#span = span;
    this.#context = ctx;
    this.home = home;
    this.capturing = capturingIn(ctx, home.capturing);
    this.#log = new AttemptLog(this.capturing);
    home.add(this);
  }

  get settled(): boolean {
    return this.#settled || this.#step?.settled === true;
  }

  get now(): Clock {
    return this.home.now;
  }

  get finished(): boolean {
    return this.#live.size === 0 && !this.#span.isRecording();
  }

  contextFor(active: Context): Context {
    return active;
  }

  begin(live: PendingAttempt): { number: number; resendCount: number } {
    if (this.#step) return this.#step.begin(live);
    this.concludeRefused();
    this.#live.add(live);
    return { number: this.#log.next(), resendCount: this.#resends.sent(live.outgoing) };
  }

  refused(live: PendingAttempt): void {
    this.#step?.refused(live);
  }

  end(live: PendingAttempt, ending: AttemptEnd): void {
    if (this.#step) {
      this.#step.end(live, ending);
      return;
    }
    this.#live.delete(live);
    this.#signOfLife = performance.now();
    this.#last = ending;
    this.#resends.ended(ending);
    this.#log.record(ending.attempt);
    if (this.#span.isRecording()) this.#writeEvent(ending.attempt.number);
    else this.#makeStep(ending);
    this.home.partChanged();
  }

  amend(ending: AttemptEnd): void {
    this.#step?.amend(ending);
  }

  activities(): Activity[] {
    if (this.#step || this.finished) return [];
    const { limits } = this.capturing;
    const activities: Activity[] = [...this.#live].map((live) =>
      activityOf(live.idleSince(), live.isBeingRead, limits),
    );
    activities.push({ idleSince: this.#signOfLife, limitMillis: limits.idleMillis });
    return activities;
  }

  concludeRefused(): void {
    for (const live of this.#live) if (live.refused) live.giveUp();
  }

  settle(): void {
    if (this.#settled) return;
    for (const live of [...this.#live]) live.giveUp();
    // The run is exported now. A span that is still open may never be exported, so it can't be the step's parent.
    const { span } = this.home;
    const inside = span ? trace.setSpan(this.#context, span) : this.#context;
    if (this.#last && this.#span.isRecording()) this.#makeStep(this.#last, inside);
    this.#settled = true;
    calls.delete(this.#span);
    this.home.partSettled(this, this.#summary());
  }

  /** The run's sums count this span as one model call, judged at the wire as an implicit step is. A step of ours counts itself. */
  #summary(): StepSummary {
    const last = this.#step ? undefined : this.#last;
    if (!last) {
      const outcome = toProposal('completed', this.now());
      return { outcome, stepCount: 0, attemptCount: 0, failedAttemptCount: 0, usages: [], firstCompleted: undefined };
    }
    return {
      outcome: endingProposal(last),
      stepCount: 1,
      attemptCount: this.#log.count,
      failedAttemptCount: this.#log.failedCount,
      usages: this.#log.usages(),
      firstCompleted: this.#log.firstCompleted(),
    };
  }

  #writeEvent(number: number): void {
    const attempt = this.#log.get(number);
    if (!attempt) return;
    const attributes = attemptAttributes(attempt, this.#log.get(number - 1));
    this.#span.addEvent(names.EVENT_ATTEMPT, attributes, this.#inside(toHrTime(attempt.startedAt)));
  }

  /** An event must not precede its span. The span has its own clock, and the system clock may have been set since the run began. */
  #inside(time: HrTime): HrTime {
    const { startTime } = unwrapped(this.#span) as { startTime?: HrTime };
    if (!Array.isArray(startTime)) return time;
    const isBefore = time[0] < startTime[0] || (time[0] === startTime[0] && time[1] < startTime[1]);
    return isBefore ? startTime : time;
  }

  #makeStep(ending: AttemptEnd, inside = this.#context): void {
    const startedAt = this.#log.get(1)?.startedAt ?? ending.attempt.startedAt;
    const continues = { startedAt, log: this.#log, resends: this.#resends };
    this.#step = new StepRecording(this.home, inside, { implicit: true, options: {}, continues });
    if (this.#step.isRecording) this.#step.continueFrom(ending, this.#live);
    this.#live.clear();
  }
}
