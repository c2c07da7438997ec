import { context, ROOT_CONTEXT } from '@opentelemetry/api';

interface AsyncHooks {
  AsyncLocalStorage: { snapshot?(): <T>(fn: () => T) => T };
}

/** Node's own storage is looked up where there is one, never imported: other runtimes have none. */
function asyncHooks(): AsyncHooks | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined;
}

const snapshot = /* @__PURE__ */ asyncHooks()?.AsyncLocalStorage.snapshot?.();

/**
 * Runs `fn` in nobody's context, OpenTelemetry's or the application's own storage: what is shared by all, as the one timer is, must not
 * keep a request that happened to be the first, nor act in its name.
 */
export function outsideContext<T>(fn: () => T): T {
  const inRoot = () => context.with(ROOT_CONTEXT, fn);
  return snapshot ? snapshot(inRoot) : inRoot();
}
