/** Notices what does not find its run, because the context does not carry it. */
import { type Context, context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { reportOmission } from '../../util/omissions.js';
import { isOutside } from '../context.js';
import type { RunRecording } from '../run.js';

const PROBE = /* @__PURE__ */ createContextKey('runtrace.probe');

let contextManagerWorks = false;

/** Whether code finds the context that it was called in. Without a context manager the active context is always the root. */
export function hasContextManager(): boolean {
  // One may still be registered, so only the answer yes is final.
  contextManagerWorks ||= context.with(
    ROOT_CONTEXT.setValue(PROBE, true),
    () => context.active().getValue(PROBE) === true,
  );
  return contextManagerWorks;
}

const runs = new Set<RunRecording>();

/** Open runs that the context does not carry: those of `startRun()`, and all of them where there is no context manager. */
export const runsOutOfContext: ReadonlySet<RunRecording> = runs;

let lostReuseScopes = 0;

/** A run was begun that the context does not carry. Nothing is lost yet: `run.step()` and `step.fetch` know their run. */
export function runOutOfContext(run: RunRecording): void {
  runs.add(run);
  if (lostReuseScopes > 0) reportLostContext();
}

/** The run has settled, or its code is called in a context with it. */
export function forgetRun(run: RunRecording): void {
  runs.delete(run);
}

/** A function that finds its run in the context was called: if it has lost one, that is reported. */
export function checkContext(active: Context): void {
  if (runs.size > 0 && isOutside(active)) reportLostContext();
}

/** A reuse scope was begun that the context does not carry: steps in it will not be one. Returns what ends it. */
export function reuseOutOfContext(): () => void {
  lostReuseScopes++;
  if (runs.size > 0) reportLostContext();
  return () => {
    lostReuseScopes--;
  };
}

function reportLostContext(): void {
  if (!hasContextManager()) reportOmission('RUNTRACE_NO_CONTEXT_MANAGER');
}
