/**
 * Puts the recording fetch in the place of the global one, so that nothing in the application has to be changed:
 *
 *     node --import runtrace/register --import ./instrumentation.js app.js
 *
 * It has to come before whatever captures the global fetch: model clients do so when they are made. In an application that can't be started
 * like this, `import 'runtrace/register'` as the first import does the same. Doing it twice does no harm.
 *
 * Every call of the application goes through it, and only calls that are known to be a model's are recorded, by their path and body:
 *
 * - in a run, as with the option `fetch: recordingFetch`; the two together record once;
 * - outside of any run, in somebody else's model span: as events on that span;
 * - elsewhere outside of any run not at all, or, if the application asks for it, in a run of its own of kind `model_call`.
 *
 * | environment variable | values | default |
 * |---|---|---|
 * | `RUNTRACE_CAPTURE` | `off`, `metadata`, `content`: how much is recorded where the option `capture` is not given | `metadata` |
 * | `RUNTRACE_IMPLICIT_RUNS` | `true`, `false`: whether a model call outside of any run gets a run of its own | `false` |
 * | `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` | `SPAN_ONLY`, `SPAN_AND_EVENT`, `true`: adds messages where nothing else says how much | none |
 *
 * They are read when something is first to be recorded, so that OpenTelemetry's `diag` has its logger by then: a value that is none of these
 * is reported there, and counts as the default.
 */
import { recordInPlaceOf } from './fetch/recording-fetch.js';
import { callsOutsideRuns } from './recorder/calls-outside-runs.js';
import { guarded, report } from './util/diagnostics.js';

/** A symbol of the registry, so that a second copy of this package knows it too. */
const REGISTERED = Symbol.for('runtrace.registered');

function register(): void {
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

guarded('the global fetch could not be replaced', register);
