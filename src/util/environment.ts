/** What is set from outside of the application, where there is a process with an environment. */
import { report } from './diagnostics.js';
import { badOption } from './validation.js';

export function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name]?.trim() || undefined;
}

/** One of `choices`, in any case; `undefined` if it is not set. An application must start all the same: a bad value is reported and counts as `otherwise`. */
export function environmentChoice<T extends string>(name: string, choices: readonly T[], otherwise: T): T | undefined {
  const value = environment(name);
  if (value === undefined) return undefined;
  const chosen = choices.find((choice) => choice === value.toLowerCase());
  if (chosen === undefined) {
    const wants = `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`;
    report(`an environment variable counts as '${otherwise}'`, badOption(name, wants, value));
  }
  return chosen ?? otherwise;
}
