/** Steps that no code announced: a model call in a run gets one, and the retries that its client makes fold into it. */
import type { Context } from '@opentelemetry/api';
import { contextIn } from './context.js';
import { type AttemptOwner, asTimeout, type Ending, isSameRequest, maySendAgain, type Outgoing } from './exchange.js';
import type { RunHandle } from './run.js';
import type { ReuseScope } from './scope.js';
import { StepRecording } from './step.js';
import type { ModelCall } from './wire/model-call.js';

/** The step that a model call outside of any explicit step belongs to; `undefined` if it is not sampled. */
export function implicitStepFor(
  active: Context,
  run: RunHandle,
  reuse: ReuseScope | undefined,
  outgoing: Outgoing,
  call: ModelCall,
): AttemptOwner | undefined {
  const { recording } = run;
  if (recording.settled) return undefined;
  const start = () => {
    const { operation, provider, request } = call;
    const options = { operation, provider, ...(request.model !== undefined && { model: request.model }) };
    return new StepRecording(recording, options, contextIn(run, active), true);
  };
  const step =
    reuse && !reuse.over ? reuse.stepOf(recording, start) : (foldable(active, recording.parts, outgoing) ?? start());
  return step.recording ? step : undefined;
}

/**
 * The step that a call is a retry of. It is held with a last attempt that failed, and run, active span, method, URL and body are the same.
 *
 * - Where the client numbers its retries, number k folds only onto a step whose last number is k - 1, and 0 starts a new one.
 * - Where it doesn't, the call folds onto the oldest such step that no other call has taken.
 * - A body that can't be read (streamed, multipart) folds by number only.
 */
function foldable(active: Context, parts: Iterable<unknown>, outgoing: Outgoing): StepRecording | undefined {
  const { retryCount } = outgoing;
  if (retryCount === 0) return undefined;
  for (const step of parts) {
    if (!(step instanceof StepRecording) || !step.implicit || !step.beganIn(active)) continue;
    const last = step.lastEnding;
    if (!last || !isRetryable(last, retryCount !== undefined)) continue;
    if (retryCount === undefined) {
      if (last.outgoing.retryCount === undefined && isSameRequest(last.outgoing, outgoing)) return step;
    } else if (last.outgoing.retryCount === retryCount - 1 && maySendAgain(last.outgoing, outgoing)) {
      // The client aborted that attempt itself, and asks again: its time had run out.
      if (last.how === 'aborted') step.amend(asTimeout(last, undefined));
      return step;
    }
  }
  return undefined;
}

function isRetryable(last: Ending, numbered: boolean): boolean {
  return last.attempt.status === 'failed' || (numbered && last.how === 'aborted' && last.beforeHeaders);
}
