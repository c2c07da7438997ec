import { checkFinish, type FinishDetails } from '../spans/outcome/finish-details.js';
import type { Status } from '../spans/outcome/status.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import type { RunRecording } from '../spans/run.js';
import { checkStepNumber } from './run-options.js';
import type { Step } from './step-handle.js';
import { startStepIn, stepIn } from './step-start.js';

/** One unit of work for a conversation. */
export interface Run {
  /** A UUID. */
  readonly id: string;
  /** 32 hex digits, for a link to the backend; all zeros if there is no trace. */
  readonly traceId: string;
  /**
   * Proposes how the run ended; the status-priority rule decides. Throws only a `TypeError`, for an unknown status or bad details.
   *
   * @example run.finish('interrupted');
   */
  finish(status: Status, details?: FinishDetails): void;
  /** As the function `step`, in this run, also without a context manager. */
  step<T>(options: StepOptions, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
  /** As the function `startStep`, in this run, also without a context manager. */
  startStep(options?: StepOptions): Step;
  /**
   * Continues a run that another process began, after its step `n`: the next step is `n + 1`, unless a later number was used already.
   * Throws a `TypeError` if `n` is not a count.
   */
  resumeAfterStep(n: number): void;
  /** Ends the run as `interrupted` if it has no terminal status yet: `using run = startRun(…)` calls it when its block ends. */
  [Symbol.dispose](): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A run whose handle was collected before it was finished can't be finished by other code. */
export const dropped =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : /* @__PURE__ */ new FinalizationRegistry<RunRecording>((recording) => recording.abandoned());

/**
 * The handle of a run, which application code and the context hold. While it is held, the run can be finished. The settle engine holds the
 * recording, and the recording does not hold its handle.
 */
export class RunHandle implements Run {
  readonly id: string;
  readonly traceId: string;
  readonly recording: RunRecording;
  readonly #closes: boolean;

  /** `closes`: the run has no function, so its first terminal `finish` closes it. */
  constructor(recording: RunRecording, closes: boolean) {
    this.recording = recording;
    this.id = recording.id;
    this.traceId = recording.traceId;
    this.#closes = closes;
    if (recording.isRecording && dropped) recording.registerLater(this, dropped);
  }

  // Fields, not methods, because applications destructure a run: `({ step, finish }) => …`.

  readonly finish: Run['finish'] = (status, details) => {
    checkFinish(status, details);
    this.recording.finish(status, details);
    if (this.#closes && status !== 'in_progress') this.recording.close();
  };

  readonly step: Run['step'] = (options, fn) => stepIn(this, options, fn);

  readonly startStep: Run['startStep'] = (options) => startStepIn(this, options);

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
