/** What the stack tells of an abort, where the caller's own signal can't be seen. */

import { guarded } from '../../../util/diagnostics.js';
import { noteTimeout, tryRead } from '../errors.js';

/** What the stack showed when a signal was aborted. */
interface AbortCall {
  /** Whether the signal passes on the abort of another one. */
  readonly isRelayed: boolean;
  /** Where an argument of the call that began it is evaluated: `file:///app.js:7:20`. */
  readonly argumentAt: string | undefined;
}

const abortCalls = new WeakMap<AbortSignal, AbortCall>();

/** Enough for a signal that relays to another one, several times. */
const ABORT_FRAMES = 60;

/**
 * Notes how `signal` is aborted. It is a client's own, which does not have the reason of the caller's signal: openai 7 and @anthropic-ai/sdk 1 give
 * each `fetch` such a signal (`_makeAbort` in client.js). They also abort it themselves when a stream is left.
 */
export function noteAbortCall(signal: AbortSignal): void {
  if (signal instanceof AbortSignal) signal.addEventListener('abort', abortListener);
}

/** One for all signals. A signal is aborted once. */
const abortListener: EventListenerObject = {
  handleEvent({ target }) {
    const signal = target as AbortSignal;
    guarded('an abort could not be recorded', () => abortCalls.set(signal, readAbortCall(signal)));
  },
};

/** How Node 20 to 26 runs the timer of `AbortSignal.timeout()`. */
const TIMER = / Timeout\.\w+ \(node:internal\/abort_controller:/;

/** Reads the stack, as Node writes it. On another platform, it may have been the caller. */
function readAbortCall({ reason }: AbortSignal): AbortCall {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = ABORT_FRAMES;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  if (TIMER.test(stack ?? '')) noteTimeout(reason);
  const [ours, ...outer] = typeof stack === 'string' ? stack.split(/^.*\bdispatchEvent /m).slice(1) : [];
  if (ours === undefined) return { isRelayed: true, argumentAt: undefined };
  const [, file, line, column] =
    /AbortController\.abort .*\n.*?([^\s(]+):(\d+):(\d+)\)?$/m.exec(outer.at(-1) ?? '') ?? [];
  const argumentAt = file && `${file}:${line}:${Number(column) + 'abort('.length}`;
  return { isRelayed: outer.length > 0, argumentAt };
}

/** Whether `thrown` was made while a signal was aborted: LangChain does so with a reason that is no Error (`getAbortSignalError` in utils/signal.js). */
export function isMadeByAbort(thrown: unknown): boolean {
  return / AbortController\.abort /.test(stackOf(thrown) ?? '');
}

/**
 * Whether the caller aborted an attempt by a signal that runtrace can't see, and `thrown` is its reason: any value that is no Error, or an Error that
 * was made as an argument of that call of `abort`.
 */
export function isHiddenReason(thrown: unknown, signal: AbortSignal | undefined): boolean {
  const { isRelayed, argumentAt } = (signal && abortCalls.get(signal)) ?? NOT_ABORTED;
  if (!isRelayed) return false;
  const stack = stackOf(thrown);
  if (stack === undefined) return true;
  return argumentAt !== undefined && [')', '\n'].some((end) => `${stack}\n`.includes(argumentAt + end));
}

const NOT_ABORTED: AbortCall = { isRelayed: false, argumentAt: undefined };

/** `undefined` for what is no Error. */
function stackOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const stack = tryRead(() => thrown.stack);
  return typeof stack === 'string' ? stack : '';
}
