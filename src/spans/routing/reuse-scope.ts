import type { Pending } from '../outcome/http-exchange.js';
import { watchReturned } from '../returned-stream.js';
import type { RunRecording } from '../run.js';
import type { StepRecording } from '../step.js';

/** A reuse scope: the model calls in it that belong to the same run id share one step. */
export class ReuseScope {
  readonly #steps = new Map<string, { step: StepRecording; hold: Pending }>();
  #tail: Pick<Pending, 'idleSince'> | undefined;
  #over = false;

  get over(): boolean {
    return this.#over;
  }

  /** The step that calls of this run share. */
  sharedStep(run: RunRecording, start: () => StepRecording): StepRecording {
    const shared = this.#steps.get(run.id)?.step;
    if (shared && !shared.settled) return shared;
    const step = start();
    if (step.isRecording) {
      // Its run may be over before the scope is, which is nothing to the other runs in it.
      const hold: Pending = { idleSince: () => this.#idleSince(), giveUp: () => step.close(hold) };
      this.#steps.set(run.id, { step, hold });
      step.open(hold);
    }
    return step;
  }

  /** Its function threw. */
  threw(): void {
    this.#release();
  }

  /** Its function returned; it is over when a stream that it returned is. */
  returned(value: unknown): void {
    this.#tail = watchReturned(value, () => this.#release());
    if (!this.#tail) this.#release();
  }

  #idleSince(): number | undefined {
    return this.#tail ? this.#tail.idleSince() : Number.NEGATIVE_INFINITY;
  }

  #release(): void {
    this.#over = true;
    for (const { step, hold } of this.#steps.values()) {
      step.concludeRefused();
      step.close(hold);
    }
    this.#steps.clear();
  }
}
