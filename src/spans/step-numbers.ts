/**
 * The step numbers of one run id. They count from 1 across every run in the process that shares the id, and start at 1 again once
 * the last of these runs has settled.
 */
export class StepNumbers {
  readonly #id: string;
  #last = 0;
  #users = 0;

  private constructor(id: string) {
    this.#id = id;
  }

  static readonly #byRunId = new Map<string, StepNumbers>();

  /** The numbers of this run id. The caller calls `release` once it takes no more of them. */
  static acquire(runId: string): StepNumbers {
    let numbers = StepNumbers.#byRunId.get(runId);
    if (!numbers) {
      numbers = new StepNumbers(runId);
      StepNumbers.#byRunId.set(runId, numbers);
    }
    numbers.#users++;
    return numbers;
  }

  next(): number {
    return ++this.#last;
  }

  /** The next number is greater than `n`. Never goes back. */
  resumeAfter(n: number): void {
    this.#last = Math.max(this.#last, n);
  }

  release(): void {
    if (--this.#users === 0) StepNumbers.#byRunId.delete(this.#id);
  }
}
