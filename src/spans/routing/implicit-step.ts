/** Steps that no code announced: a model call in a run gets one, and the retries that its client makes fold into it. */
import type { Context } from '@opentelemetry/api';
import type { ModelCall } from '../../providers/detect.js';
import { type ActiveRun, contextIn } from '../context.js';
import type { AttemptOwner, OutgoingRequest } from '../outcome/http-exchange.js';
import { isRetryOfTimeout, isSameRequest, maySendAgain } from '../outcome/resends.js';
import type { StepOptions } from '../outcome/step-options.js';
import { StepRecording } from '../step.js';
import type { ReuseScope } from './reuse-scope.js';

/** The step that a model call outside of any explicit step belongs to; `undefined` if it is not sampled. */
export function implicitStepFor(
  active: Context,
  run: ActiveRun,
  reuse: ReuseScope | undefined,
  outgoing: OutgoingRequest,
  call: ModelCall,
): AttemptOwner | undefined {
  const { recording } = run;
  if (recording.settled) return undefined;
  const start = () => startImplicitStep(active, run, call);
  const step =
    reuse && !reuse.isClosed
      ? reuse.sharedStep(recording, start)
      : (foldable(active, recording.retriable, outgoing) ?? start());
  return step.isRecording ? step : undefined;
}

export function startImplicitStep(active: Context, run: ActiveRun, call: ModelCall): StepRecording {
  const { operation, provider, request } = call;
  const options: StepOptions = { operation, provider };
  if (request.model !== undefined) options.model = request.model;
  return new StepRecording(run.recording, options, contextIn(run, active), true);
}

function foldable(
  active: Context,
  retriable: Iterable<StepRecording>,
  outgoing: OutgoingRequest,
): StepRecording | undefined {
  if (outgoing.retryCount === 0) return undefined;
  const steps = [...retriable].filter((step) => step.beganIn(active));
  return retried(
    steps.sort((one, other) => one.number - other.number),
    outgoing,
  );
}

/**
 * The step that a call is a retry of, among those in the same run that began under the same active span. It is held with a last attempt
 * that failed, and method, URL and body are the same.
 *
 * - Where the client numbers its retries, number k folds only onto a step whose last number is k - 1, so 0 starts a new one.
 * - Where it doesn't, the call folds onto the oldest such step that no other call has taken.
 * - A body that can't be read (streamed, multipart) folds by number only.
 */
export function retried(steps: readonly StepRecording[], outgoing: OutgoingRequest): StepRecording | undefined {
  return (
    steps.find(({ lastEnding: last }) => {
      const failed = last && (last.attempt.status === 'failed' || isRetryOfTimeout(last, outgoing));
      return failed && follows(last.outgoing, outgoing);
    }) ??
    // The refusal's body may still be open: its client doesn't read it, or it is another one's that is about to.
    steps.find(({ openRefusal: refused }) => refused && follows(refused.outgoing, outgoing))
  );
}

function follows(last: OutgoingRequest, next: OutgoingRequest): boolean {
  if (next.retryCount === undefined) return last.retryCount === undefined && isSameRequest(last, next);
  return last.retryCount === next.retryCount - 1 && maySendAgain(last, next);
}
