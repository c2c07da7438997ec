/** Model spans of other instrumentations: the attempts go on them, and no second span is made. */
import { type Context, type HrTime, type Span, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import { type Clock, toHrTime } from '../../otel/clock.js';
import * as names from '../../otel/names.js';
import { unwrapped } from '../../otel/unwrap-span.js';
import { capturingIn } from '../context.js';
import { attemptAttributes } from '../outcome/attempt-event.js';
import { AttemptLog } from '../outcome/attempt-log.js';
import type { AttemptEnd, AttemptOwner, PendingAttempt } from '../outcome/http-exchange.js';
import { toProposal } from '../outcome/proposals.js';
import { Resends } from '../outcome/resends.js';
import type { RunPart, StepHome } from '../run-part.js';
import { type Activity, activityOf } from '../settle/idle.js';
import { managedSpanOf } from '../settle/managed-span.js';
import { StepRecording } from '../step.js';

/** Operations that are one model call; an agent's or a tool's span holds many, or none. */
const MODEL_OPERATIONS: readonly unknown[] = ['chat', 'text_completion', 'generate_content', 'embeddings'];

/** How the AI SDK up to 6, and the legacy integration for 7, name a model call: `ai.streamText.doStream`. */
const AI_SDK_MODEL_CALL = /^ai\.\w+\.do(?:Generate|Stream|Embed)$/;

const calls = new WeakMap<Span, OthersModelSpan>();

/** Whether somebody else's model span is active. */
export function isInOthersModelSpan(active: Context): boolean {
  const span = trace.getSpan(active);
  return span !== undefined && (calls.has(span) || (span.isRecording() && isModelSpan(span)));
}

/**
 * Somebody else's model span, if the active one is: the attempts of a call in it go there, also those that begin after its owner has
 * ended it. `home` is asked for where a step of ours would be at home, if this is its first call.
 */
export function othersModelSpanIn(active: Context, home: () => StepHome | undefined): AttemptOwner | undefined {
  const span = trace.getSpan(active);
  if (!span) return undefined;
  const known = calls.get(span);
  if (known && !known.settled) return known;
  if (!span.isRecording() || !isModelSpan(span)) return undefined;
  const stepHome = home();
  if (!stepHome) return undefined;
  const call = new OthersModelSpan(span, active, stepHome);
  calls.set(span, call);
  return call;
}

function isModelSpan(span: Span): boolean {
  if (managedSpanOf(span)) return false;
  const { attributes } = unwrapped(span) as { attributes?: Record<string, unknown> };
  if (!attributes) return false;
  return (
    MODEL_OPERATIONS.includes(attributes[names.GEN_AI_OPERATION_NAME]) ||
    AI_SDK_MODEL_CALL.test(`${attributes[names.AI_OPERATION_ID]}`) ||
    attributes[names.OPENINFERENCE_SPAN_KIND] === 'LLM'
  );
}

/**
 * The attempts on one such span, each an event as it ends. Where the span's owner ends it before they are over, or has not ended it when
 * the run settles, a step of ours is exported with them after all: its child, or else the run's, because no parent may be missing.
 */
class OthersModelSpan implements AttemptOwner, RunPart {
  readonly #span: Span;
  readonly #context: Context;
  readonly #home: StepHome;
  readonly capturing: CaptureSettings;
  readonly #log: AttemptLog;
  readonly #resends = new Resends();
  readonly #live = new Set<PendingAttempt>();
  #last: AttemptEnd | undefined;
  #signOfLife = performance.now();
  /** Made when its owner has ended the span. From then on it is the step's call. */
  #step: StepRecording | undefined;
  #settled = false;

  constructor(span: Span, ctx: Context, home: StepHome) {
    this.#span = span;
    this.#context = ctx;
    this.#home = home;
    this.capturing = capturingIn(ctx, home.capturing);
    this.#log = new AttemptLog(this.capturing);
    home.add(this);
  }

  get settled(): boolean {
    return this.#settled || this.#step?.settled === true;
  }

  get now(): Clock {
    return this.#home.now;
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
    this.#home.partChanged();
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
    // Whatever its owner does with it later, the run is exported now. A span that nobody ends is nobody's parent.
    const { span } = this.#home;
    const inside = span ? trace.setSpan(this.#context, span) : this.#context;
    if (this.#last && this.#span.isRecording()) this.#makeStep(this.#last, inside);
    this.#settled = true;
    calls.delete(this.#span);
    this.#home.partSettled(this, {
      outcome: toProposal('completed', this.now()),
      stepCount: 0,
      attemptCount: this.#step ? 0 : this.#log.count,
      failedAttemptCount: this.#step ? 0 : this.#log.failedCount,
      usage: (!this.#step && this.#log.usage()) || {},
      endpoint: this.#step ? undefined : this.#log.endpoint(),
    });
  }

  #writeEvent(number: number): void {
    const attempt = this.#log.get(number);
    if (!attempt) return;
    const attributes = attemptAttributes(attempt, this.#log.get(number - 1));
    this.#span.addEvent(names.EVENT_ATTEMPT, attributes, this.#inside(toHrTime(attempt.startedAt)));
  }

  /** Not before the span: it has a clock of its own, and the machine's may have been set since the run began. */
  #inside(time: HrTime): HrTime {
    const { startTime } = unwrapped(this.#span) as { startTime?: HrTime };
    if (!Array.isArray(startTime)) return time;
    const isBefore = time[0] < startTime[0] || (time[0] === startTime[0] && time[1] < startTime[1]);
    return isBefore ? startTime : time;
  }

  #makeStep(ending: AttemptEnd, inside = this.#context): void {
    const startedAt = this.#log.get(1)?.startedAt ?? ending.attempt.startedAt;
    const begun = { startedAt, log: this.#log, resends: this.#resends };
    this.#step = new StepRecording(this.#home, {}, inside, true, begun);
    if (this.#step.isRecording) this.#step.continueFrom(ending, this.#live);
    this.#live.clear();
  }
}
