/** The contexts in which the model calls and tools of an operation run. */
import { type Context, context, trace } from '@opentelemetry/api';
import { type ActiveRun, capturingIn, contextIn, withCapturing, withRun } from '../spans/context.js';
import type { StartEvent } from './operation-events.js';

/** The context of an operation that starts here. `own`: its run was begun for this operation alone. */
export function contextOf(start: StartEvent, run: ActiveRun, own: boolean): Context {
  const active = context.active();
  return capturingAsIn(start, run, own ? withRun(active, run) : contextIn(run, active));
}

/** The active context with the run of an operation in it, and with the span that is active. */
export function contextHere(start: StartEvent, run: ActiveRun): Context {
  const active = context.active();
  const span = trace.getSpan(active);
  const inside = contextIn(run, active);
  return capturingAsIn(start, run, span ? trace.setSpan(inside, span) : inside);
}

/** What the call said not to record is not recorded in this context either. */
function capturingAsIn({ recordInputs, recordOutputs }: StartEvent, run: ActiveRun, ctx: Context): Context {
  if (recordInputs !== false && recordOutputs !== false) return ctx;
  return withCapturing(ctx, { ...capturingIn(ctx, run.recording.capturing), content: false, messages: false });
}
