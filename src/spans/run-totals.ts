import type { AttributeWriter } from '../capture/attribute-writer.js';
import * as names from '../otel/names.js';
import { urlParts } from '../util/url-parts.js';
import type { Attempt } from './attempts/attempt.js';
import { RunUsage } from './attempts/usage-sum.js';
import type { Proposal } from './outcome/proposals.js';
import type { Status } from './outcome/status.js';
import type { StepSummary } from './run-part.js';

/** What a run sums up of its steps, and of the model calls on spans of other instrumentations. */
export class RunTotals {
  #stepCount = 0;
  #attemptCount = 0;
  #failedAttemptCount = 0;
  #hasError = false;
  #lastStepEndedAt = 0;
  #lastStepStatus: Status | undefined;
  readonly #usage = new RunUsage();
  /** The endpoint of the first completed attempt of all, and when that attempt started, in milliseconds since the epoch. */
  #endpoint: { readonly name: string; readonly at: number } | undefined;

  /** How many steps and model calls on other spans it sums up. */
  get stepCount(): number {
    return this.#stepCount;
  }

  /** The status of the step that settled last. */
  get lastStepStatus(): Status | undefined {
    return this.#lastStepStatus;
  }

  /** When the last step ended, in milliseconds since the epoch; 0 if there was none. */
  get lastStepEndedAt(): number {
    return this.#lastStepEndedAt;
  }

  add(summary: StepSummary): void {
    const { outcome, stepCount, firstCompleted, usages } = summary;
    this.#stepCount += stepCount;
    this.#attemptCount += summary.attemptCount;
    this.#failedAttemptCount += summary.failedAttemptCount;
    if (stepCount > 0) {
      this.#lastStepStatus = outcome.status;
      this.#hasError ||= outcome.status === 'error';
    }
    for (const usage of usages) this.#usage.add(usage);
    if (summary.endedAt !== undefined) this.#lastStepEndedAt = Math.max(this.#lastStepEndedAt, summary.endedAt);
    if (firstCompleted) this.#addCompleted(firstCompleted);
  }

  #addCompleted({ startedAt, method = 'POST', url }: Attempt): void {
    if (this.#endpoint && this.#endpoint.at <= startedAt) return;
    const path = url && urlParts(url)?.path;
    if (path) this.#endpoint = { name: `${method} ${path}`, at: startedAt };
  }

  /** Writes the status and the totals. Usage that the run's `finish` was given replaces the sum. */
  write(to: AttributeWriter, { status, usage: given }: Proposal): void {
    to.write(names.STATUS, status);
    to.write(names.RUN_STEP_COUNT, this.#stepCount);
    to.write(names.RUN_ATTEMPT_COUNT, this.#attemptCount);
    to.write(names.RUN_FAILED_ATTEMPT_COUNT, this.#failedAttemptCount);
    to.write(names.RUN_HAS_ERROR, this.#hasError);
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } =
      given ?? this.#usage.total;
    to.keep(names.RUN_INPUT_TOKENS, inputTokens);
    to.keep(names.RUN_OUTPUT_TOKENS, outputTokens);
    to.keep(names.RUN_CACHE_READ_TOKENS, cacheReadTokens);
    to.keep(names.RUN_CACHE_WRITE_TOKENS, cacheWriteTokens);
    to.keep(names.RUN_REASONING_TOKENS, reasoningTokens);
    if (this.#endpoint) to.write(names.RUN_ENDPOINT, this.#endpoint.name);
  }
}
