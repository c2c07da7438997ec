/** Implicit steps: a model call in a run, outside of any explicit step, gets a step of its own, and its retries fold into that step. */
import type { Context } from '@opentelemetry/api';
import type { ModelCall, UnreadCall } from '../../providers/detect.js';
import { providerOf } from '../../providers/provider-names.js';
import type { AttemptOwner, OutgoingRequest } from '../attempts/http-exchange.js';
import { isRetryOf, isRetryOfOpenRefusal } from '../attempts/resends.js';
import { type ActiveRun, contextIn } from '../context.js';
import type { StepOptions } from '../outcome/step-options.js';
import { StepRecording } from '../step.js';
import type { ReuseScope } from './reuse-scope.js';

/** The step for a model call outside of any explicit step; `undefined` if the sampler drops it. */
export function implicitStepFor(
  active: Context,
  run: ActiveRun,
  reuse: ReuseScope | undefined,
  outgoing: OutgoingRequest,
  call: ModelCall | UnreadCall,
): AttemptOwner | undefined {
  const { recording } = run;
  if (recording.settled) return undefined;
  const start = () =>
    'request' in call ? startImplicitStep(active, run, call) : startPlainStep(active, run, outgoing, call);
  const step =
    reuse && !reuse.isClosed ? reuse.sharedStep(recording, start) : (foldable(active, recording, outgoing) ?? start());
  return step.isRecording ? step : undefined;
}

/** The step of a model call in a format that runtrace does not read. It is named by method and path. */
function startPlainStep(
  active: Context,
  run: ActiveRun,
  { method, url }: OutgoingRequest,
  { model }: UnreadCall,
): StepRecording {
  const plainName = `${method} ${url.pathname}`;
  const options: StepOptions = { provider: providerOf(url), model };
  return new StepRecording(run.recording, contextIn(run, active), { implicit: true, options, plainName });
}

export function startImplicitStep(active: Context, run: ActiveRun, call: ModelCall): StepRecording {
  const { operation, provider, request } = call;
  const options: StepOptions = { operation, provider };
  if (request.model !== undefined) options.model = request.model;
  return new StepRecording(run.recording, contextIn(run, active), { implicit: true, options });
}

function foldable(
  active: Context,
  recording: ActiveRun['recording'],
  outgoing: OutgoingRequest,
): StepRecording | undefined {
  const steps = recording.retriableWith(outgoing).filter((step) => step.beganIn(active));
  return retried(steps, outgoing);
}

/**
 * The first of `steps` that a call is a retry of: a step that is held after a failed attempt, with nothing in flight.
 * `isRetryOf` has the rule. A step whose last refusal still has an open body comes second, because its client may yet send its own
 * retry.
 */
export function retried(steps: readonly StepRecording[], outgoing: OutgoingRequest): StepRecording | undefined {
  return (
    steps.find(({ lastEnding }) => lastEnding && isRetryOf(lastEnding, outgoing)) ??
    steps.find(({ openRefusal }) => openRefusal && isRetryOfOpenRefusal(openRefusal, outgoing))
  );
}
