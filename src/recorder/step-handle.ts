import { fetchOf } from '../fetch/recording-fetch.js';
import { AttemptLog } from '../spans/attempts/attempt-log.js';
import type { ActiveRun } from '../spans/context.js';
import { checkStepEnd } from '../spans/omissions/step-without-attempt.js';
import { checkFinish, type FinishDetails } from '../spans/outcome/finish-details.js';
import type { Status } from '../spans/outcome/status.js';
import type { StepScope } from '../spans/step-scope.js';

/** One logical model call, all its retries included. */
export interface Step {
  /** A UUID. */
  readonly id: string;
  /** Counts from 1 across everything in the process that shares the run's id; 0 if nothing is recorded. */
  readonly number: number;
  /** A `fetch` whose calls are attempts of this step, also without a context manager. */
  readonly fetch: typeof globalThis.fetch;
  /** The attempts. The recording fetch adds its own; add those of a call that does not use `fetch` by `attempts.record(…)`. */
  readonly attempts: AttemptLog;
  /**
   * Proposes how the step ended; the status-priority rule decides. Throws only a `TypeError`, for an unknown status or bad details.
   *
   * @example step.finish('error', { error });
   */
  finish(status: Status, details?: FinishDetails): void;
  /** Ends the step as `interrupted` if it has no terminal status yet: `using step = startStep(…)` calls it when its block ends. */
  [Symbol.dispose](): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The handle of a step, which application code holds. Without a scope nothing is recorded. */
export class StepHandle implements Step {
  readonly number: number;
  readonly attempts: AttemptLog;
  #id: string | undefined;
  readonly #scope: StepScope | undefined;
  readonly #run: ActiveRun | undefined;
  readonly #closes: boolean;
  #fetch: typeof globalThis.fetch | undefined;

  /** `closes`: the step has no function, so its first terminal `finish` closes the scope. */
  constructor(scope: StepScope | undefined, run: ActiveRun | undefined, closes: boolean) {
    this.#scope = scope;
    this.#run = run;
    this.#closes = closes;
    this.number = scope?.step.number ?? 0;
    this.attempts = scope?.step.log ?? new AttemptLog(undefined);
  }

  get id(): string {
    this.#id ??= this.#scope?.step.id ?? crypto.randomUUID();
    return this.#id;
  }

  get fetch(): typeof globalThis.fetch {
    this.#fetch ??= fetchOf(this.#scope);
    return this.#fetch;
  }

  /** A field, not a method, because applications destructure a step: `({ finish }) => …`. */
  readonly finish: Step['finish'] = (status, details) => {
    checkFinish(status, details);
    const scope = this.#scope;
    if (!scope || !this.#run) return;
    scope.finish(status, details);
    if (!this.#closes || status === 'in_progress') return;
    scope.returned(undefined);
    checkStepEnd(scope);
  };

  [Symbol.dispose](): void {
    if (this.#scope?.isRunning && !this.#scope.hasStatus) this.finish('interrupted');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }
}
