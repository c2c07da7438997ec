/** Notices model calls that are not recorded: outside of a run, without the recording fetch, or in a format that runtrace does not read. */
import { type Context, context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { providerOf } from '../../providers/provider-names.js';
import { onChannel } from '../../util/builtin-module.js';
import { isReported, reportOmission } from '../../util/omissions.js';
import { runOf } from '../context.js';
import type { RunRecording } from '../run.js';

const PROBE = /* @__PURE__ */ createContextKey('runtrace.probe');

let contextManagerWorks: boolean | undefined;

/** Whether code finds the context that it was called in. Without a context manager the active context is always the root. */
function hasContextManager(): boolean {
  contextManagerWorks ??= context.with(
    ROOT_CONTEXT.setValue(PROBE, true),
    () => context.active().getValue(PROBE) === true,
  );
  return contextManagerWorks;
}

/** A model call passed through the recording fetch where no run is around it. */
export function modelCallWithoutRun(): void {
  if (!isReported('RUNTRACE_NO_RUN') && hasContextManager()) reportOmission('RUNTRACE_NO_RUN');
}

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

function noteRequest(active: Context, message: unknown): void {
  const run = runOf(active)?.recording;
  const { request } = message as { request?: { method?: unknown; origin?: unknown; path?: unknown } };
  // Other requests to a provider are no model calls: a list of models, a file.
  if (!run || request?.method !== 'POST' || !URL.canParse(String(request?.origin))) return;
  const url = new URL(String(request?.path ?? '/'), String(request?.origin));
  const provider = providerOf(url);
  if (provider !== undefined) calledProvider.set(run, url.host);
}

/**
 * The POSTs of a run that passed through a recording fetch and were not recognized. There is no host if they passed through the global fetch
 * that runtrace replaced: an application uses that for everything.
 */
const unreadPosts = new WeakMap<RunRecording, { readonly firstHost: string | undefined; count: number }>();

/** Runs that have no step of their own, with a run inside that has one. */
const outerRuns = new WeakSet<RunRecording>();

/** A POST passed through a recording fetch and is not recorded, because it was not recognized as a model call. */
export function unreadPost(run: RunRecording, host: string | undefined): void {
  const seen = unreadPosts.get(run);
  if (seen?.firstHost === undefined) unreadPosts.set(run, { firstHost: host, count: (seen?.count ?? 0) + 1 });
  else seen.count++;
}

/** A run, inside of `outer`, has settled: if neither it nor a run inside of it has a step, one of its calls may have been missed. */
export function checkRunEnd(run: RunRecording, outer: RunRecording | undefined): void {
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
    reportOmission('RUNTRACE_NO_RECORDING_FETCH', host);
    endWatch();
  }
}

function endWatch(): void {
  stopWatching?.();
  stopWatching = undefined;
}
