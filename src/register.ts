/**
 * Replaces the global fetch by the recording fetch, so that the application needs no change:
 *
 *     node --import runtrace/register --import ./instrumentation.js app.js
 *
 * Import it before any code that stores the global fetch: model clients store it when they are created. Where the command line cannot be
 * changed, make `import 'runtrace/register'` the first import of the application. A second import has no effect.
 *
 * Every call of the application passes through it. On Node, runtrace also sees what is sent by `node:http` and by the package undici, at the
 * hosts of known providers. Only model calls, recognized by their path and body, are recorded:
 *
 * - in a run, as with the option `fetch: recordingFetch`; a call that passes through both is recorded once;
 * - outside of any run, in another instrumentation's model span: as events on that span;
 * - elsewhere outside of any run: not at all, or, with `RUNTRACE_IMPLICIT_RUNS`, in a run of its own of kind `model_call`.
 *
 * | environment variable | values | default |
 * |---|---|---|
 * | `RUNTRACE_CAPTURE` | `off`, `metadata`, `content`: how much is recorded where the option `capture` is not given | `metadata` |
 * | `RUNTRACE_IMPLICIT_RUNS` | `true`, `false`: whether a model call outside of any run gets a run of its own | `false` |
 * | `RUNTRACE_VIEW` | the address of a `runtrace view` on this machine, to which runs in progress are shown | none |
 * | `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` | `SPAN_ONLY`, `SPAN_AND_EVENT`, `true`: adds messages where nothing else says how much | none |
 *
 * Another value of one of the first three is reported at the first call or run, and the default is used.
 */
import { startLiveChannel } from './live/start.js';
import { recordGlobalFetch } from './recorder/global-fetch.js';
import { guarded } from './util/diagnostics.js';

guarded('runs in progress can not be shown', startLiveChannel);
recordGlobalFetch();
