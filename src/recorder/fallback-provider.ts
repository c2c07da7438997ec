import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { hasGlobalProvider } from '../spans/omissions/provider-check.js';

/** A global, so that it serves every copy of this package in the process. */
const FALLBACK = Symbol.for('runtrace.fallback_provider');
const slot = globalThis as { [FALLBACK]?: TracerProvider };

/** Records the runs of programs that set no global provider. It is not made the global one: nothing of the program changes. */
export function setFallbackProvider(provider: TracerProvider): void {
  slot[FALLBACK] = provider;
}

/** The tracer of the global provider; where the program has set none, that of the fallback, if there is one. */
export function globalTracer(): Tracer {
  const fallback = slot[FALLBACK];
  return fallback && !hasGlobalProvider() ? fallback.getTracer('runtrace') : trace.getTracer('runtrace');
}
