import type { CaptureSettings } from '../capture/levels.js';
import { describeFailure, type Failure } from '../spans/outcome/errors.js';
import type { StepRecording } from '../spans/step.js';
import { object } from '../util/json-fields.js';

/** The failure of an operation: that of its last step, because the AI SDK's own error has fewer facts. */
export function failureOf(step: StepRecording | undefined, error: unknown, { content }: CaptureSettings): Failure {
  const failed = step?.outcome?.status === 'error' ? step.outcome.failure : undefined;
  const failure = failed ?? describeFailure(causeOf(error));
  if (content) return failure;
  const { message, stack, ...kept } = failure;
  return kept;
}

/** The last of the errors that the AI SDK collected: it made the AI SDK give up. */
export function causeOf(error: unknown): unknown {
  return object(error)?.lastError ?? error;
}
