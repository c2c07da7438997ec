import type { Span, Tracer } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { Clock } from '../otel/clock.js';
import type { Usage } from '../otel/genai.js';
import type { Endpoint } from './outcome/attempt-log.js';
import type { Proposal } from './outcome/proposals.js';
import type { StepRecording } from './step.js';

/** What a run adds up of a step when it settles. */
export interface StepSummary {
  readonly outcome: Proposal;
  /** 1 for a step and for a model call on another instrumentation's span; 0 for a part that is no model call. */
  readonly stepCount: number;
  readonly attemptCount: number;
  readonly failedAttemptCount: number;
  readonly usage: Usage;
  /** The first completed attempt's. */
  readonly endpoint: Endpoint | undefined;
}

/** Where a step is at home: a run, or where there is none. */
export interface StepHome {
  /** The run's id. */
  readonly id: string | undefined;
  readonly conversationId: string | undefined;
  readonly capturing: CaptureSettings;
  readonly tracer: Tracer;
  readonly now: Clock;
  /** The run's span. */
  readonly span: Span | undefined;
  nextStepNumber(): number;
  /** Settles `part` with it, at the latest. */
  add(part: RunPart): void;
  /** Until it settles, a call that no code announced may be a retry of `step`. */
  mayBeRetried(step: StepRecording): void;
  /** It may be that nothing is waited for any more. */
  partChanged(): void;
  takeIn(part: RunPart, summary: StepSummary): void;
  flush(): void;
  shutdown(): void;
}

/** Something that a run waits for, and that settles with it at the latest. */
export interface RunPart {
  /** Nothing can come of it but better news. */
  readonly finished: boolean;
  /**
   * How long from `now` until it has shown no sign of life for `idleMillis` since the run was over, `overAt` (both in
   * `performance.now()` time): 0 if it is finished, `Infinity` while somebody waits for the network.
   */
  patience(overAt: number, now: number): number;
  /** Ends the attempts of which only a refused body is open. */
  concludeRefused(): void;
  settle(): void;
}
