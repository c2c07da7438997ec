import { nextTurn } from '../../../otel/next-turn.js';
import type { AttemptEnd } from '../../attempts/http-exchange.js';
import { isTimeout } from '../errors.js';

/**
 * Calls `onStop` once if the signal of a failed attempt is aborted while its client may be waiting for the retry. Returns a function that
 * ends the watch.
 *
 * Where nothing shows whether the client retries, the watch begins a turn of the event loop later: an application that got the error of the
 * last attempt often aborts its signal at once, to clean up.
 */
export function watchForStop({ signal, retry }: AttemptEnd, onStop: () => void): (() => void) | undefined {
  // What an application gives as its signal may be none.
  if (retry === 'none' || !(signal instanceof AbortSignal) || signal.aborted) return undefined;
  const stopped = () => {
    if (!isTimeout(signal.reason)) onStop();
  };
  let watching = true;
  const watch = () => {
    if (watching && !signal.aborted) signal.addEventListener('abort', stopped, { once: true });
  };
  if (retry === 'expected') watch();
  else nextTurn(watch);
  return () => {
    watching = false;
    signal.removeEventListener('abort', stopped);
  };
}
