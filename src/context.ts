/** What rides in the OpenTelemetry context. */
import { type Context, context, createContextKey, trace } from '@opentelemetry/api';
import type { OwnedSpan } from './owned-span.js';
import type { RunHandle } from './run.js';
import type { ReuseScope, StepScope } from './scope.js';

const RUN = createContextKey('runtrace.run');
const STEP = createContextKey('runtrace.step');
const REUSE = createContextKey('runtrace.reuse');
const STARTING = createContextKey('runtrace.starting');
const RECORDING = createContextKey('runtrace.recording');

export function runOf(ctx: Context): RunHandle | undefined {
  return ctx.getValue(RUN) as RunHandle | undefined;
}

export function stepOf(ctx: Context): StepScope | undefined {
  return ctx.getValue(STEP) as StepScope | undefined;
}

export function reuseOf(ctx: Context): ReuseScope | undefined {
  return ctx.getValue(REUSE) as ReuseScope | undefined;
}

/** The span of ours that is being started in this context, for the processor's `onStart`. */
export function startingIn(ctx: Context): OwnedSpan | undefined {
  return ctx.getValue(STARTING) as OwnedSpan | undefined;
}

/** Whether an attempt is already being recorded around this point: one recording fetch around another records once. */
export function isRecorded(ctx: Context): boolean {
  return ctx.getValue(RECORDING) === true;
}

/** Inside a run; no step of another run is visible there. */
export function withRun(ctx: Context, run: RunHandle): Context {
  return trace.setSpan(ctx.setValue(RUN, run).deleteValue(STEP), run.recording.span);
}

/** Where nothing is recorded: whatever run is around it is hidden. */
export function withoutRun(ctx: Context): Context {
  return ctx.deleteValue(RUN).deleteValue(STEP).deleteValue(REUSE);
}

/** Inside an explicit step. */
export function withStep(ctx: Context, scope: StepScope): Context {
  return trace.setSpan(ctx.setValue(STEP, scope), scope.step.span);
}

/** Inside something that is no model call, a tool: calls made there are none of the step around it. */
export function withoutStep(ctx: Context): Context {
  return ctx.deleteValue(STEP).deleteValue(REUSE);
}

export function withReuse(ctx: Context, scope: ReuseScope): Context {
  return ctx.setValue(REUSE, scope);
}

export function withStarting(ctx: Context, owned: OwnedSpan): Context {
  return ctx.setValue(STARTING, owned);
}

export function withRecording(ctx: Context): Context {
  return ctx.setValue(RECORDING, true);
}

/** The active context, seen from `run`: where no context manager carries the run, its own span is put in. */
export function contextIn(run: RunHandle, active = context.active()): Context {
  return runOf(active) === run ? active : withRun(active, run);
}
