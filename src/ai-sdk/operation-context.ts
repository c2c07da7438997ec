/** The contexts in which the model calls and tools of an operation run. */
import { type Context, context, trace } from '@opentelemetry/api';
import { type ActiveRun, capturingIn, contextIn, runOf, withCapturing, withRun } from '../spans/context.js';
import type { StartEvent } from './operation-events.js';

/** The context of an operation that starts here. `own`: its run was begun for this operation alone. */
export function contextOf({ recordInputs, recordOutputs }: StartEvent, run: ActiveRun, own: boolean): Context {
  const active = context.active();
  const inside = own ? withRun(active, run) : contextIn(run, active);
  if (recordInputs !== false && recordOutputs !== false) return inside;
  return withCapturing(inside, { ...capturingIn(inside, run.recording.capturing), content: false, messages: false });
}

/** The active context with the run in it, and with the span that is active. */
export function withRunHere(run: ActiveRun): Context {
  const active = context.active();
  if (runOf(active) === run) return active;
  const span = trace.getSpan(active);
  const inside = withRun(active, run);
  return span ? trace.setSpan(inside, span) : inside;
}
