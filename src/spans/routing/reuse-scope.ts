import type { Pending } from '../attempts/http-exchange.js';
import { type Tail, watchReturned } from '../returned-stream.js';
import type { RunRecording } from '../run.js';
import type { StepRecording } from '../step.js';

/** A reuse scope: the model calls in it that belong to the same run id share one step. */
export class ReuseScope {
  readonly #steps = new Map<string, { step: StepRecording; hold: Pending }>();
  #returnedStream: Tail | undefined;
  #isClosed = false;

  /** Whether its function, and a stream that it returned, has ended. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The step that calls of this run share. */
  sharedStep(run: RunRecording, start: () => StepRecording): StepRecording {
    const shared = this.#steps.get(run.id)?.step;
    if (shared && !shared.settled) return shared;
    const step = start();
    if (step.isRecording) {
      step.share();
      const hold = this.#holdOf(step);
      this.#steps.set(run.id, { step, hold });
      step.open(hold);
    }
    return step;
  }

  /** The scope's function threw. */
  threw(error: unknown): void {
    for (const { step } of this.#steps.values()) step.explainedBy(error);
    this.#close();
  }

  /** The scope's function returned. A returned stream keeps the scope open until it ends. */
  returned(value: unknown): void {
    this.#returnedStream = watchReturned(value, () => this.#close());
    if (!this.#returnedStream) this.#close();
  }

  /** Keeps a step open while the scope is. The step's run may be over before; the scope's function then does not keep it waiting. */
  #holdOf(step: StepRecording): Pending {
    const stream = () => this.#returnedStream;
    const hold: Pending = {
      idleSince: () => (stream() ? stream()?.idleSince() : Number.NEGATIVE_INFINITY),
      get isBeingRead() {
        return stream()?.begun === true;
      },
      giveUp: () => step.close(hold),
    };
    return hold;
  }

  #close(): void {
    this.#isClosed = true;
    for (const { step, hold } of this.#steps.values()) {
      step.concludeRefused();
      step.close(hold);
    }
    this.#steps.clear();
  }
}
