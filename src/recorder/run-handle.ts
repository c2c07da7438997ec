import type { ActiveRun } from '../spans/context.js';
import { checkFinish, type FinishDetails } from '../spans/outcome/finish-details.js';
import type { Status } from '../spans/outcome/status.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import type { RunRecording } from '../spans/run.js';
import { checkStepNumber } from './run-options.js';
import type { Step } from './step-handle.js';

/** One unit of work for a conversation. */
export interface Run {
  /** A UUID. */
  readonly id: string;
  /** 32 hex digits, for a link to the backend; all zeros where there is no trace. */
  readonly traceId: string;
  /**
   * Proposes how the run ended; the status-priority rule decides. Never throws, except a `TypeError` for an unknown status or bad details.
   *
   * @example run.finish('interrupted');
   */
  finish(status: Status, details?: FinishDetails): void;
  /** As the function `step`, in this run, also where no context manager is registered. */
  step<T>(options: StepOptions, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
  /** As the function `startStep`, in this run, also where no context manager is registered. */
  startStep(options?: StepOptions): Step;
  /** Carries on a run that another process began: the next step is `n + 1`. Never goes back. Throws a `TypeError` if `n` is not a count. */
  resumeAfterStep(n: number): void;
  /** Ends the run as `interrupted` if it has no terminal status yet: `using run = startRun(…)` calls it when its block ends. */
  [Symbol.dispose](): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A run that was dropped without being finished can be finished by nobody else. */
export const dropped =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : /* @__PURE__ */ new FinalizationRegistry<RunRecording>((recording) => recording.abandoned());

/** What begins the steps of a run; the recorder's. */
export interface StepStarter {
  step<T>(run: ActiveRun | undefined, options: StepOptions, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
  startStep(run: ActiveRun | undefined, options: StepOptions | undefined): Step;
}

/**
 * What application code and the context hold of a run. While one of them does, somebody can finish it; the recording itself is held by
 * the settle engine and doesn't hold its handle.
 */
export class RunHandle implements Run {
  readonly id: string;
  readonly traceId: string;
  readonly recording: RunRecording;
  readonly #steps: StepStarter;
  readonly #closes: boolean;

  /** `closes`: there is no function around it, so the first terminal `finish` says that it is over. */
  constructor(recording: RunRecording, steps: StepStarter, closes: boolean) {
    this.recording = recording;
    this.id = recording.id;
    this.traceId = recording.traceId;
    this.#steps = steps;
    this.#closes = closes;
    if (recording.isRecording && dropped) recording.registerLater(this, dropped);
  }

  // Functions of their own, because applications take a run apart: `({ step, finish }) => …`.

  readonly finish: Run['finish'] = (status, details) => {
    checkFinish(status, details);
    this.recording.finish(status, details);
    if (this.#closes && status !== 'in_progress') this.recording.close();
  };

  readonly step: Run['step'] = (options, fn) => this.#steps.step(this, options, fn);

  readonly startStep: Run['startStep'] = (options) => this.#steps.startStep(this, options);

  readonly resumeAfterStep: Run['resumeAfterStep'] = (n) => {
    checkStepNumber(n);
    this.recording.resumeAfterStep(n);
  };

  [Symbol.dispose](): void {
    if (!this.recording.hasEnded) this.finish('interrupted');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }
}
