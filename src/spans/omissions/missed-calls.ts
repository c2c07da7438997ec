/** Notices model calls that are not recorded: outside of a run, without the recording fetch, or in a format that runtrace does not read. */
import { type Context, context } from '@opentelemetry/api';
import { mayAskProvider } from '../../providers/detect.js';
import { isReported, reportOmission } from '../../util/omissions.js';
import { environment, onChannel } from '../../util/platform.js';
import { isInFetch, isOutside, runOf } from '../context.js';
import type { RunRecording } from '../run.js';
import { isRunOpen } from '../settle/deadlines.js';
import { forgetRun, hasContextManager, runsOutOfContext } from './lost-context.js';
import { hasGlobalProvider } from './provider-check.js';

/** A model call was made where no run is around it. */
export function modelCallWithoutRun(): void {
  if (runsOutOfContext.size > 0 && !hasContextManager()) reportOmission('RUNTRACE_NO_CONTEXT_MANAGER');
  else if (runsOutOfContext.size > 0) reportOmission('RUNTRACE_NO_RUN', STARTED);
  // A program without an SDK is in a normal state.
  else if (hasContextManager() || hasGlobalProvider())
    reportOmission('RUNTRACE_NO_RUN', isRunOpen() ? LOST_ON_ITS_WAY : undefined);
}

/** A step() or a tool() was begun that finds no recorded run around it. It is right where a run is left unrecorded, or calls outside of runs get their own. */
export function partWithoutRun(active: Context): void {
  if (isOutside(active) && environment('RUNTRACE_IMPLICIT_RUNS') === undefined) modelCallWithoutRun();
}

const LOST_ON_ITS_WAY =
  'a run is open: if the call belongs to it, a queue or a listener from outside of the run lost its context; AsyncResource.bind() keeps ' +
  'it, run.step() and step.fetch need none';
const STARTED = 'startRun() makes no run active: call the model in run.step(), or by step.fetch';

/** Node's own `fetch` publishes each request here: https://nodejs.org/api/diagnostics_channel.html, undici's `request:create`. */
const REQUEST_CREATED = 'undici:request:create';

/** Runs in which the global fetch called the host of a model provider. */
const calledProvider = new WeakMap<RunRecording, string>();

let stopWatching: (() => void) | undefined;
let hasWatched = false;

/** Watches the global fetch from the first run to the first step, in order to notice a client without the recording fetch. */
export function watchGlobalFetch(): void {
  if (hasWatched) return;
  hasWatched = true;
  stopWatching = onChannel(REQUEST_CREATED, 'the check for calls that were missed failed', (message) =>
    noteRequest(context.active(), message),
  );
}

let hasRecorded = false;

/** A call is being recorded. */
export function callRecorded(): void {
  hasRecorded = true;
}

function noteRequest(active: Context, message: unknown): void {
  // Without a context manager, a request that a recording fetch sends cannot be told from others.
  if (isInFetch(active) || (hasRecorded && !hasContextManager())) return;
  const runs = runsAround(active);
  const { request } = message as { request?: { method?: unknown; origin?: unknown; path?: unknown } };
  // Other requests to a provider are no model calls: a list of models.
  if (runs.size === 0 || request?.method !== 'POST' || !URL.canParse(String(request?.origin))) return;
  const url = new URL(String(request?.path ?? '/'), String(request?.origin));
  if (!mayAskProvider(url)) return;
  for (const run of runs) calledProvider.set(run, url.host);
}

/** The run that a call is in; where the context carries none, each open run that it may be in. */
function runsAround(active: Context): ReadonlySet<RunRecording> {
  const run = runOf(active)?.recording;
  if (run) return new Set([run]);
  return isOutside(active) ? runsOutOfContext : NO_RUNS;
}

const NO_RUNS: ReadonlySet<RunRecording> = new Set();

/** Whether the global fetch called the host of a model provider in this run. */
export function hasCalledProvider(run: object): boolean {
  return calledProvider.has(run as RunRecording);
}

/**
 * The POSTs of a run that passed through a recording fetch and were not recorded. Counted are those that may have been a model call: not those
 * through the global fetch that runtrace replaced, which an application uses for everything, and not those of another kind, such as JSON-RPC.
 */
const unreadPosts = new WeakMap<RunRecording, { readonly firstHost: string | undefined; readonly count: number }>();

/** Runs that have no step of their own, with a run inside that has one. */
const outerRuns = new WeakSet<RunRecording>();

/** A POST passed through a recording fetch and is not recorded. `host`: where it went, if it may have been a model call. */
export function unreadPost(active: Context, host: string | undefined): void {
  for (const run of runsAround(active)) {
    const { firstHost, count } = unreadPosts.get(run) ?? { firstHost: undefined, count: 0 };
    unreadPosts.set(run, { firstHost: firstHost ?? host, count: host === undefined ? count : count + 1 });
  }
}

/** A run, inside of `outer`, has settled: if neither it nor a run inside of it has a step, one of its calls may have been missed. */
export function checkRunEnd(run: RunRecording, outer: RunRecording | undefined): void {
  const isOutOfContext = runsOutOfContext.has(run);
  forgetRun(run);
  const unread = unreadPosts.get(run);
  if (run.stepCount > 0 || outerRuns.has(run)) {
    if (outer) outerRuns.add(outer);
    endWatch();
  } else if (unread) {
    const { firstHost, count } = unread;
    if (firstHost !== undefined) reportOmission('RUNTRACE_UNREAD_CALL', `${count} POST, the first to ${firstHost}`);
  } else {
    const host = calledProvider.get(run);
    if (host === undefined || !stopWatching) return;
    // The recording fetch passes on to the global one what it cannot record, and that was reported.
    if (isOutOfContext && LOST.some(isReported)) return;
    reportOmission('RUNTRACE_NO_RECORDING_FETCH', isOutOfContext ? `${host}; ${STARTED}` : host);
    endWatch();
  }
}

const LOST = ['RUNTRACE_NO_RUN', 'RUNTRACE_NO_CONTEXT_MANAGER'] as const;

function endWatch(): void {
  stopWatching?.();
  stopWatching = undefined;
}
