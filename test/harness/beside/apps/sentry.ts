/** Sentry 11, tracing by itself, beside OpenTelemetry. It wraps the clients that are loaded after it. */
import { close, init, startSpan } from '@sentry/node';

init({ tracesSampleRate: 1 });
const { chatTurn, makeOpenAI, startTracing } = await import('./tracing.js');
const provider = startTracing();
await startSpan({ name: 'theirs' }, () => chatTurn(makeOpenAI()));
await close();
await provider.shutdown();
