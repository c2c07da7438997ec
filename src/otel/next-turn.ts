import { guarded } from '../util/diagnostics.js';
import { outsideContext } from './root-context.js';

/** Taken when the module loads, so that an application's faked timers do not stop it. Not every platform has `setImmediate`. */
const { setImmediate: immediate, setTimeout: timeout } = globalThis as Partial<typeof globalThis>;
const later: (fn: () => void) => void = immediate ? (fn) => void immediate(fn) : (fn) => void timeout?.(fn, 0);

let waiting: (() => void)[] = [];

/** Calls `fn` in the next turn of the event loop, in no context. */
export function nextTurn(fn: () => void): void {
  waiting.push(fn);
  if (waiting.length === 1) outsideContext(() => later(callAll));
}

/** Makes a function that has `fn` called in the next turn: once, however often the function is called until then. */
export function inNextTurn(fn: () => void): () => void {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    nextTurn(() => {
      isWaiting = false;
      fn();
    });
  };
}

function callAll(): void {
  const due = waiting;
  waiting = [];
  for (const fn of due) guarded('work that was put off failed', fn);
}
