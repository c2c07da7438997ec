import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { builtinModule } from '../util/platform.js';

interface AsyncHooks {
  AsyncLocalStorage: { snapshot?(): <T>(fn: () => T) => T };
}

const snapshot = /* @__PURE__ */ builtinModule<AsyncHooks>('node:async_hooks')?.AsyncLocalStorage.snapshot?.();

/**
 * Runs `fn` outside of every context: OpenTelemetry's, and that of each `AsyncLocalStorage` of the application. A timer that all requests
 * share would otherwise hold the context of the request that started it, and run in it.
 */
export function outsideContext<T>(fn: () => T): T {
  const inRoot = () => context.with(ROOT_CONTEXT, fn);
  return snapshot ? snapshot(inRoot) : inRoot();
}

/** The SDK's own key: without it an instrumentation of HTTP would trace our requests. */
const SUPPRESS_TRACING = /* @__PURE__ */ createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs `fn` where no instrumentation traces what it does. */
export function untraced<T>(fn: () => T): T {
  return context.with(ROOT_CONTEXT.setValue(SUPPRESS_TRACING, true), fn);
}
