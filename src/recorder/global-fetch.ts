import { recordInPlaceOf } from '../fetch/recording-fetch.js';
import { guarded, report } from '../util/diagnostics.js';
import { callsOutsideRuns } from './calls-outside-runs.js';

/** A symbol of the registry, so that a second copy of this package knows it too. */
const REGISTERED = Symbol.for('runtrace.registered');

/** Puts the recording fetch in the place of the global one, once in a process. */
export function recordGlobalFetch(): void {
  guarded('the global fetch could not be replaced', replace);
}

function replace(): void {
  if (REGISTERED in globalThis) return;
  const { fetch } = globalThis;
  if (typeof fetch !== 'function') {
    report('there is no global fetch; nothing was registered');
    return;
  }
  const recording = recordInPlaceOf(fetch, callsOutsideRuns);
  // A proxy, because its name, its length and whatever a runtime has put on it stay those of the original.
  const value = new Proxy(fetch, { apply: (_fetch, receiver, args) => Reflect.apply(recording, receiver, args) });
  const { enumerable = true } = Object.getOwnPropertyDescriptor(globalThis, 'fetch') ?? {};
  Object.defineProperty(globalThis, 'fetch', { value, enumerable, writable: true, configurable: true });
  Object.defineProperty(globalThis, REGISTERED, { value: true });
}
