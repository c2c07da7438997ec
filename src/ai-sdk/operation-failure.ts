import type { CaptureSettings } from '../capture/levels.js';
import { describeFailure, type Failure } from '../spans/outcome/errors.js';
import type { StepRecording } from '../spans/step.js';

/** The failure of an operation: that of its last step, because the AI SDK's own error has fewer facts. */
export function failureOf(step: StepRecording | undefined, error: unknown, { content }: CaptureSettings): Failure {
  const failed = step?.outcome?.status === 'error' ? step.outcome.failure : undefined;
  const failure = failed ?? describeFailure(error);
  if (content) return failure;
  const { message, stack, ...kept } = failure;
  return kept;
}
