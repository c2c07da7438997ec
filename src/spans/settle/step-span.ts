import { type Context, type Span, SpanKind } from '@opentelemetry/api';
import { contentWriter, prepareContent } from '../../capture/genai-writer.js';
import { toHrTime } from '../../otel/clock.js';
import { nextTurn } from '../../otel/next-turn.js';
import type { ModelCall } from '../../providers/detect.js';
import type { AttemptEnd } from '../attempts/http-exchange.js';
import { totalOf } from '../attempts/usage-sum.js';
import { inTraceOf } from '../context.js';
import { MAX_STATUS_UPDATES, type Proposal, type Proposals } from '../outcome/proposals.js';
import { outcomeFailure, spanStatus, writeFailure } from '../outcome/span-status.js';
import type { StepOptions } from '../outcome/step-options.js';
import type { InProgress, SpanSnapshot } from '../progress/listener.js';
import { inFlightEvent, proposedAttributes, snapshotOf } from '../progress/snapshot.js';
import type { StepSummary } from '../run-part.js';
import type { StepRecording } from '../step.js';
import { type StepBeginning, type StepStart, stepStart, writeStepAttributes } from '../step-attributes.js';
import { ManagedSpan } from './managed-span.js';

/** The span of one step. It starts with what samplers read; all else is written when the step settles. */
export class StepSpan implements InProgress {
  readonly span: Span;
  /** False if the sampler dropped it. */
  readonly isRecording: boolean;
  readonly #managed: ManagedSpan;
  readonly #step: StepRecording;
  readonly #options: StepOptions;
  readonly #startedAt: number;
  readonly #start: StepStart;
  #id: string | undefined;

  constructor(step: StepRecording, startedAt: number, ctx: Context, beginning: StepBeginning) {
    this.#step = step;
    this.#options = beginning.options;
    this.#startedAt = startedAt;
    this.#start = stepStart(step.number, beginning, step.capturing);
    const { name, attributes } = this.#start;
    const { home } = step;
    const { parent, links } = inTraceOf(home.span, ctx);
    const spanOptions = { kind: SpanKind.CLIENT, startTime: toHrTime(startedAt), attributes, links };
    this.#managed = new ManagedSpan(step, home.id === undefined, home.tracer, name, spanOptions, parent);
    this.span = this.#managed.span;
    this.isRecording = this.#managed.isRecording;
  }

  /** The step's UUID. Made when it is asked for: Node's is 600 bytes until it is read, and an open step rarely needs it. */
  get id(): string {
    this.#id ??= crypto.randomUUID();
    return this.#id;
  }

  get hasEnded(): boolean {
    return this.#step.settled;
  }

  /** The step as it is now, for the local viewer. */
  snapshot(): SpanSnapshot {
    const { home, log, capturing, inFlight, outcome } = this.#step;
    const { name } = this.#start;
    const attributes = { ...this.#start.attributes, ...proposedAttributes(outcome, capturing) };
    const beginning = { span: this.span, parent: home.span, name, startedAt: this.#startedAt, attributes };
    const events = [...log.events(), ...inFlight.map((attempt) => inFlightEvent(attempt, capturing))];
    return snapshotOf(beginning, events, this.hasEnded);
  }

  /** Redacts content in turns of its own, because all of it at once would block the event loop when the step settles. */
  prepareContent({ call, answer }: AttemptEnd): void {
    const writer = contentWriter(this.#step.capturing);
    if (!writer) return;
    nextTurn(() => {
      if (!this.#step.settled) prepareContent(call?.fullRequest?.value ?? {}, answer?.response ?? {}, writer);
    });
  }

  /** Writes the outcome and ends the span. Returns what the step adds to the totals of its run. */
  end(proposals: Proposals, lastCall: ModelCall | undefined, pollCount: number): StepSummary {
    const { home, capturing, implicit, log } = this.#step;
    const start = this.#start;
    const options = this.#options;
    const outcome = proposals.outcome as Proposal;
    // Each attempt's event needs a microsecond of its own.
    const endedAt = Math.max(outcome.at, this.#startedAt + log.count / 1000);
    const usages = outcome.usage ? [{ id: outcome.response?.id, usage: outcome.usage }] : log.usages();
    const failure = outcomeFailure(outcome, capturing);
    const usage = totalOf(usages);
    const facts = { id: this.id, home, capturing, start, options, implicit, outcome, lastCall, usage, pollCount };
    const write = (span: Span) => {
      const to = writeStepAttributes(span, facts);
      log.writeTo(span, to, this.#startedAt, endedAt);
      writeFailure(span, to, failure, endedAt);
      proposals.writeHistory(span, endedAt, MAX_STATUS_UPDATES - Number(failure !== undefined), capturing);
      to.end();
    };
    this.#managed.end(write, spanStatus(outcome.status, failure), endedAt);
    return {
      outcome,
      stepCount: 1,
      attemptCount: log.count,
      failedAttemptCount: log.failedCount,
      usages,
      firstCompleted: log.firstCompleted(),
      endedAt,
    };
  }
}
