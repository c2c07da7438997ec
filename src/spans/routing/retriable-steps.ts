import type { OutgoingRequest } from '../attempts/http-exchange.js';
import { requestKey } from '../attempts/resends.js';
import type { StepRecording } from '../step.js';

/**
 * The implicit steps of a run that a call may be a retry of, by the requests that failed in them. Each is held for a minute, so a run may have
 * thousands: to compare a call with all of them would take longer than the call.
 */
export class RetriableSteps {
  readonly #byRequest = new Map<string, Set<StepRecording>>();
  readonly #requestsOf = new Map<StepRecording, Set<string>>();

  /** In no order. */
  get all(): Iterable<StepRecording> {
    return this.#requestsOf.keys();
  }

  add(step: StepRecording, failed: OutgoingRequest): void {
    const key = requestKey(failed);
    this.#requestsOf.set(step, (this.#requestsOf.get(step) ?? new Set()).add(key));
    this.#byRequest.set(key, (this.#byRequest.get(key) ?? new Set()).add(step));
  }

  delete(step: StepRecording): void {
    for (const key of this.#requestsOf.get(step) ?? []) {
      const steps = this.#byRequest.get(key);
      steps?.delete(step);
      if (steps?.size === 0) this.#byRequest.delete(key);
    }
    this.#requestsOf.delete(step);
  }

  /** Those in which such a request failed, oldest first. */
  with(outgoing: OutgoingRequest): StepRecording[] {
    if (this.#byRequest.size === 0) return [];
    const steps = this.#byRequest.get(requestKey(outgoing));
    return steps ? [...steps].sort((one, other) => one.number - other.number) : [];
  }
}
