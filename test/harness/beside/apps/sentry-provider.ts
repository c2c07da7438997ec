/** Sentry 11 as the provider that OpenTelemetry's spans go to. */
import { close, init, startSpan } from '@sentry/node';

init({ tracesSampleRate: 1, enableOpenTelemetrySetup: true });
const { chatTurn, makeOpenAI } = await import('./tracing.js');
await startSpan({ name: 'theirs' }, () => chatTurn(makeOpenAI()));
// A run settles a turn of the event loop after its function, and no processor of runtrace settles it on Sentry's flush.
await new Promise(setImmediate);
await close();
