import { recordNodeHttp } from '../fetch/node-http.js';
import { recordInPlaceOf } from '../fetch/recording-fetch.js';
import { recordUndici } from '../fetch/undici-requests.js';
import { guarded, report } from '../util/diagnostics.js';
import { callsOutsideRuns } from './calls-outside-runs.js';

/** A registered symbol, so that a second copy of this package finds it too. */
const REGISTERED = Symbol.for('runtrace.registered');

/** Replaces the global fetch by the recording fetch, and records what is sent by `node:http` and by undici; once per process. */
export function recordGlobalFetch(): void {
  guarded('the global fetch could not be replaced', replace);
}

function replace(): void {
  if (REGISTERED in globalThis) return;
  const { fetch } = globalThis;
  if (typeof fetch !== 'function') {
    report('there is no global fetch, so runtrace/register has no effect');
    return;
  }
  const recording = recordInPlaceOf(fetch, callsOutsideRuns);
  // A proxy keeps the name, the length and all other properties of the original.
  const value = new Proxy(fetch, { apply: (_fetch, receiver, args) => Reflect.apply(recording, receiver, args) });
  const { enumerable = true } = Object.getOwnPropertyDescriptor(globalThis, 'fetch') ?? {};
  Object.defineProperty(globalThis, 'fetch', { value, enumerable, writable: true, configurable: true });
  Object.defineProperty(globalThis, REGISTERED, { value: true });
  recordNodeHttp(callsOutsideRuns);
  recordUndici(callsOutsideRuns);
}
