import type { Span, Tracer } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { Clock } from '../otel/clock.js';
import type { Attempt } from './attempts/attempt.js';
import type { OutgoingRequest } from './attempts/http-exchange.js';
import type { AnswerUsage } from './attempts/usage-sum.js';
import type { Proposal } from './outcome/proposals.js';
import type { BackgroundResponse } from './routing/background-response.js';
import type { Activity } from './settle/idle.js';
import type { StepRecording } from './step.js';

/** What a step adds to the totals of its run when it settles. */
export interface StepSummary {
  readonly outcome: Proposal;
  /** 1 for a step and for a model call on another instrumentation's span; 0 for a part that is no model call. */
  readonly stepCount: number;
  readonly attemptCount: number;
  readonly failedAttemptCount: number;
  readonly usages: readonly AnswerUsage[];
  /** When the step's span ended, in milliseconds since the epoch; `undefined` if the attempts are on another span. */
  readonly endedAt?: number;
  readonly firstCompleted: Attempt | undefined;
}

/** What a step belongs to: its run, or a stand-in for one where there is no run. */
export interface StepHome {
  /** The run's id. */
  readonly id: string | undefined;
  readonly conversationId: string | undefined;
  readonly capturing: CaptureSettings;
  readonly tracer: Tracer;
  readonly now: Clock;
  /** The run's span. */
  readonly span: Span | undefined;
  /** The call that began last in it, a retry excepted. */
  newestCall: { readonly signal: AbortSignal | undefined } | undefined;
  /** Whether its function threw, or it was finished as an error. */
  readonly hasFailed: boolean;
  /** The responses in the background whose polls belong to its steps. */
  readonly polls: Map<string, BackgroundResponse>;
  /** Whether its function still runs, or a stream that it returned goes on. */
  readonly isRunning: boolean;
  nextStepNumber(): number;
  /** Adds a part, which settles no later than this does. */
  add(part: RunPart): void;
  /** Offers `step` for retries of `failed`: until it settles, a call outside of explicit steps may be one. */
  mayBeRetried(step: StepRecording, failed: OutgoingRequest): void;
  /** Called when a part changed in a way that may let its home settle. */
  partChanged(): void;
  /** Called once by each part, when it has settled. */
  partSettled(part: RunPart, summary: StepSummary): void;
  flush(): void;
  shutdown(): void;
}

/** Something that a run waits for, and that settles no later than its run. */
export interface RunPart {
  /** Whether nothing is in flight and a terminal status is known; only a better status can still come. */
  readonly finished: boolean;
  /** What the run waits for in this part. Empty if nothing. */
  activities(): readonly Activity[];
  /** Ends the attempts that were refused and whose body is still open. */
  concludeRefused(): void;
  /** `stoppedAt`: when what is in progress was stopped. Default: at its last activity. */
  settle(stoppedAt?: number): void;
}
