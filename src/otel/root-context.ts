import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { builtinModule } from '../util/builtin-module.js';

interface AsyncHooks {
  AsyncLocalStorage: { snapshot?(): <T>(fn: () => T) => T };
}

const snapshot = /* @__PURE__ */ builtinModule<AsyncHooks>('node:async_hooks')?.AsyncLocalStorage.snapshot?.();

/**
 * Runs `fn` in nobody's context, OpenTelemetry's or the application's own storage: what is shared by all, as the one timer is, must not
 * keep a request that happened to be the first, nor act in its name.
 */
export function outsideContext<T>(fn: () => T): T {
  const inRoot = () => context.with(ROOT_CONTEXT, fn);
  return snapshot ? snapshot(inRoot) : inRoot();
}
