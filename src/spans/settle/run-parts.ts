import type { OutgoingRequest } from '../attempts/http-exchange.js';
import { RetriableSteps } from '../routing/retriable-steps.js';
import type { RunPart } from '../run-part.js';
import type { StepRecording } from '../step.js';
import { idleAt } from './idle.js';

/** The parts of a run that have not settled. */
export class RunParts {
  readonly #parts = new Set<RunPart>();
  /** Made with the first: a run whose calls succeed has none. */
  #retriable: RetriableSteps | undefined;
  #isSettling = false;

  /** Whether several parts are being settled: the run looks only once whether it is idle, when all of them have. */
  get isSettling(): boolean {
    return this.#isSettling;
  }

  /** Oldest first. */
  get all(): ReadonlySet<RunPart> {
    return this.#parts;
  }

  /** The implicit steps in which such a request failed, oldest first: it may be a retry of one. */
  retriableWith(outgoing: OutgoingRequest): StepRecording[] {
    return this.#retriable?.with(outgoing) ?? [];
  }

  add(part: RunPart): void {
    this.#parts.add(part);
  }

  mayBeRetried(step: StepRecording, failed: OutgoingRequest): void {
    this.#retriable ??= new RetriableSteps();
    this.#retriable.add(step, failed);
  }

  /** A part has settled. */
  delete(part: RunPart): void {
    this.#parts.delete(part);
    this.#retriable?.delete(part as StepRecording);
  }

  /** When the last of them is idle: see the rule for idle operations. */
  idleAt(notBefore: number): number {
    let latest = Number.NEGATIVE_INFINITY;
    for (const part of this.#parts) latest = Math.max(latest, idleAt(part.activities(), notBefore));
    return latest;
  }

  concludeRefused(): void {
    for (const part of this.#parts) part.concludeRefused();
  }

  settle(stoppedAt?: number): void {
    for (const part of this.#parts) part.settle(stoppedAt);
  }

  settleFinished(): void {
    this.#isSettling = true;
    for (const part of this.#parts) if (part.finished) part.settle();
    this.#isSettling = false;
  }

  /** Settles all parts if all are finished. */
  settleIfAllFinished(): void {
    for (const part of this.#parts) if (!part.finished) return;
    this.settleFinished();
  }

  /** The error of a run tells how its last attempt ended, where the wire does not: by the client's timeout, or stopped before a retry. */
  explainLastAttempt(error: unknown): void {
    let last: StepRecording | undefined;
    for (const step of this.#retriable?.all ?? []) if (!last || step.lastActivityAt >= last.lastActivityAt) last = step;
    last?.explainedBy(error);
  }
}
