/**
 * Whether an error says that the caller, or the receiver of the answer, stopped the work. Such a run or step is `interrupted`.
 *
 * The wire comes first. Some errors only say that a stream closed early, on either side. If the body of the run's last attempt failed by
 * itself, the upstream broke, and the run is an error.
 */

import { causesOf, isTimeout, tryRead } from '../errors.js';
import { isHiddenReason, isMadeByAbort } from './abort-call.js';
import { isAbort } from './abort-errors.js';
import { isGone } from './gone.js';
import { abortedSignalsOf, type LastEnd, lastEndOf } from './run-calls.js';

/** What the wire says about the calls of a run when an error is thrown. */
interface WireFacts {
  /** The signals of its calls that are aborted. */
  readonly aborted: readonly AbortSignal[];
  readonly last: LastEnd | undefined;
}

/**
 * Whether `error` says that the caller or the receiver stopped `run`, or the step in it of which `last` is the last attempt. A timeout is
 * never a stop. Never throws.
 */
export function isStop(error: unknown, run: object, last = lastEndOf(run)): boolean {
  const thrown = firstCause(error);
  if (isTimeout(thrown)) return false;
  const wire: WireFacts = { aborted: abortedSignalsOf(run), last };
  if (tellsOfStop(thrown, wire) || wasReason(thrown, last)) return true;
  const errors = errorsOf(thrown);
  if (errors.length > 0 && errors.every((one) => isStop(one, run, last))) return true;
  // A client, or the application, has put the error into one of its own.
  const wasStopped = wire.aborted.length > 0 || last?.how === 'aborted';
  return (
    wasStopped &&
    causesIn(thrown).some((cause) => tellsOfStop(cause, wire) || (cause instanceof Error && wasReason(cause, last)))
  );
}

/** Whether `thrown` is the reason of an aborted signal, or an error that reports a stop and that no broken body explains. */
function tellsOfStop(thrown: unknown, { aborted, last }: WireFacts): boolean {
  if (aborted.some(({ reason }) => reason === thrown)) return true;
  if (typeof thrown !== 'object' || thrown === null) return false;
  if (isAbort(thrown)) return aborted.length > 0 || !brokeByItself(last);
  return isGone(thrown) && !brokeByItself(last);
}

/** Whether the caller aborted the last attempt, and `thrown` shows by itself that it tells of that. */
function wasReason(thrown: unknown, last: LastEnd | undefined): boolean {
  return last?.how === 'aborted' && (isMadeByAbort(thrown) || isHiddenReason(thrown, last.signal));
}

/** The errors of `Promise.any()`; no errors of other aggregates, which might be without end. */
function errorsOf(thrown: unknown): unknown[] {
  const errors = thrown instanceof AggregateError && tryRead(() => thrown.errors);
  return Array.isArray(errors) ? errors.filter((error) => !(error instanceof AggregateError)) : [];
}

/** What caused `thrown`, and what caused that. */
function causesIn(thrown: unknown): unknown[] {
  const causes = tryRead(() => Array.from(causesOf(thrown), ({ cause }: { cause?: unknown }) => cause)) ?? [];
  return causes.filter((cause) => cause !== undefined);
}

/**
 * The streams of Node combine two errors in an AggregateError that has the message of the later one; the first cause comes last. Since Node
 * 26, a generator that is left gets the error thrown into it, and a `yield*` of an iterator without `throw()` then adds a TypeError.
 *
 * Source: `aggregateTwoErrors` in https://github.com/nodejs/node/blob/main/lib/internal/errors.js
 */
function firstCause(thrown: unknown): unknown {
  const errors = thrown instanceof AggregateError && tryRead(() => thrown.errors);
  if (!Array.isArray(errors) || errors.length !== 2) return thrown;
  return tryRead(() => errors[0].message === (thrown as Error).message) ? errors[1] : thrown;
}

/** Whether the body of an attempt broke before any stop, or its time ran out. */
function brokeByItself(last: LastEnd | undefined): boolean {
  if (last?.how !== 'failed') return false;
  return isTimeout(last.signal?.reason) || (!last.beforeHeaders && (last.attempt.statusCode ?? 0) < 400);
}
