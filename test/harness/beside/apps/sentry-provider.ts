/** Sentry 11 as the provider that OpenTelemetry's spans go to. */
import { close, init, startSpan } from '@sentry/node';

init({ tracesSampleRate: 1, enableOpenTelemetrySetup: true });
const { chatTurn, makeOpenAI } = await import('./tracing.js');
await startSpan({ name: 'theirs' }, () => chatTurn(makeOpenAI()));
await close();
