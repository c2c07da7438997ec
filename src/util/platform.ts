/** What only some platforms have: a process with an environment, and modules of Node's own. */
import { guarded } from './diagnostics.js';

/** What is set from outside of the application under this name; `undefined` if it is not set. */
export function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name]?.trim() || undefined;
}

/** A module of Node's own, looked up where there is one and never imported: other runtimes have none. */
export function builtinModule<T>(name: string): T | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.(name) as T | undefined;
}

/** The names of all variables that are set from outside of the application. */
export function environmentNames(): string[] {
  const { process } = globalThis as { process?: { env?: object } };
  return Object.keys(process?.env ?? {}).filter(environment);
}

interface DiagnosticsChannel {
  subscribe(name: string, listener: (message: unknown) => void): void;
  unsubscribe(name: string, listener: (message: unknown) => void): void;
}

/**
 * Listens to a channel of `node:diagnostics_channel`, where there is one; returns a function that ends that. `T` is what is published there, which
 * the listener must expect to be otherwise. An error of the listener is reported as `failed`.
 */
export function onChannel<T>(name: string, failed: string, listener: (message: T) => void): () => void {
  const channel = builtinModule<DiagnosticsChannel>('node:diagnostics_channel');
  if (typeof channel?.subscribe !== 'function') return () => {};
  const guardedListener = (message: unknown) => guarded(failed, () => listener(message as T));
  channel.subscribe(name, guardedListener);
  return () => channel.unsubscribe(name, guardedListener);
}
