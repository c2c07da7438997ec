/** What the wire says about the calls of a run, for as long as the run is open. */

import type { AttemptEnd } from '../../attempts/http-exchange.js';
import { isTimeout } from '../errors.js';

/** At most so many signals are remembered for a run: those of its newest calls. */
const MAX_SIGNALS = 64;

/** The facts about an ended attempt that decide whether an error is a stop. */
export interface LastEnd {
  readonly how: AttemptEnd['how'];
  readonly beforeHeaders: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly attempt: { readonly statusCode?: number | undefined };
}

/** What the wire says about the calls of one run. */
interface Calls {
  /** The signals that its calls were given. */
  readonly signals: Set<AbortSignal>;
  last: LastEnd | undefined;
  /** The run around it: what its calls are given counts there too. */
  outer: object | undefined;
}

const callsOf = new WeakMap<object, Calls>();

function known(run: object): Calls {
  let calls = callsOf.get(run);
  if (!calls) {
    calls = { signals: new Set(), last: undefined, outer: undefined };
    callsOf.set(run, calls);
  }
  return calls;
}

/** The calls of the run `inner` count as calls of the run `outer` around it, too. */
export function nestCalls(inner: object, outer: object): void {
  known(inner).outer = outer;
}

/** A call of `run` is given `signal`. */
export function noteSignal(run: object, signal: AbortSignal): void {
  const { signals, outer } = known(run);
  signals.delete(signal);
  signals.add(signal);
  if (signals.size > MAX_SIGNALS) {
    const [oldest] = signals;
    if (oldest) signals.delete(oldest);
  }
  if (outer) noteSignal(outer, signal);
}

/** An attempt of `run` ended. */
export function noteEnd(run: object, { how, beforeHeaders, signal, attempt }: LastEnd): void {
  const calls = known(run);
  const { statusCode } = attempt;
  // A copy, because the run may outlive its attempts and their bodies by far.
  calls.last = { how, beforeHeaders, signal, attempt: { statusCode } };
  if (calls.outer) noteEnd(calls.outer, calls.last);
}

/** `run` has settled: its signals are released. */
export function forgetCalls(run: object): void {
  callsOf.delete(run);
}

/** The signals that its calls were given and that are aborted, for another reason than a timeout. */
export function abortedSignalsOf(run: object): AbortSignal[] {
  return [...(callsOf.get(run)?.signals ?? [])].filter(({ aborted, reason }) => aborted && !isTimeout(reason));
}

/** How the attempt of `run` ended that ended last. */
export function lastEndOf(run: object): LastEnd | undefined {
  return callsOf.get(run)?.last;
}
