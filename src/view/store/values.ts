/** Attribute values that any program may have written. */
import type { ShownStatus } from '../model.js';

/** A finite number. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A number of milliseconds. Less than none is none: a clock was set meanwhile. */
export function millisOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number === undefined ? undefined : Math.max(0, number);
}

/** A text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const STATUSES: readonly unknown[] = ['in_progress', 'interrupted', 'error', 'completed'] satisfies ShownStatus[];

/** A status of runtrace. */
export function statusOf(value: unknown): ShownStatus | undefined {
  return STATUSES.includes(value) ? (value as ShownStatus) : undefined;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The object without the fields that are `undefined`. */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
