import { report } from './diagnostics.js';

/** A clear error for a developer: the option, what it wants and what it got. */
export function badOption(option: string, wants: string, got: unknown): TypeError {
  return new TypeError(`runtrace: ${mismatch(option, wants, got)}`);
}

/** The same for a value that may be a secret: `got` says in words what it is. */
export function badUnquoted(option: string, wants: string, got: string): TypeError {
  return new TypeError(`runtrace: ${option} must be ${wants}, got ${got}`);
}

/** What `badOption` says, for a message that is no error. */
export function mismatch(option: string, wants: string, got: unknown): string {
  return `${option} must be ${wants}, got ${describe(got)}`;
}

/** A few words of letters and short numbers. Any other text may be a secret that the application gave in the wrong place. */
const QUOTABLE = /^(?=.{0,40}$)(?:(?:[A-Za-z]{1,20}|\d{1,4})(?:[ ,._/-]{1,2}|$)){0,8}$/;

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return QUOTABLE.test(value) ? `'${value}'` : `a text of ${value.length} characters`;
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}

export function requireObject(value: unknown, option: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badOption(option, 'an object', value);
  return value as Record<string, unknown>;
}

export function requireFunction(value: unknown, option: string): void {
  if (typeof value !== 'function') throw badOption(option, 'a function', value);
}

export function requireString(value: unknown, option: string): void {
  if (typeof value !== 'string' || value === '') throw badOption(option, 'a string that is not empty', value);
}

/** Ids come from databases, where "none" is also `null` or `''`: both count as absent. */
export function checkString(value: unknown, option: string): void {
  if (value != null && typeof value !== 'string') throw badOption(option, 'a string', value);
}

export function checkObject(value: unknown, option: string): void {
  if (value != null) requireObject(value, option);
}

/** What an application passes on: providers leave fields out, or send `null`. Such a field counts as absent. */
export type MayLack<T> = { [Field in keyof T]?: T[Field] | null | undefined };

/** A copy of what the application gave, as it is now: it may go on using it. What is absent, or can't be read, is left out. */
export function copyGiven<T extends object>(given: MayLack<T> | null | undefined): T | undefined {
  if (given == null) return undefined;
  const copy: Record<string, unknown> = {};
  try {
    for (const name in given) {
      const value = Object.hasOwn(given, name) ? given[name] : undefined;
      if (value != null) copy[name] = Array.isArray(value) ? [...value] : value;
    }
  } catch (error) {
    report('something that the application gave could not be read', error);
  }
  return copy as T;
}

/** What `top` says, and `base` where it says nothing. Mostly there is only one of them, and no need to copy it. */
export function merged<T extends object>(base: T | null | undefined, top: T | null | undefined): T | undefined {
  return base && top ? { ...base, ...top } : (top ?? base ?? undefined);
}

const NOT_RENAMED = {};

/**
 * Throws a `TypeError` for a field of `given` that is not in `known`: a misspelt option would have no effect. `renamed` maps the
 * names of an earlier version to today's.
 */
export function checkFields(
  given: object,
  option: string,
  known: readonly string[],
  renamed: Readonly<Record<string, string>> = NOT_RENAMED,
): void {
  for (const name in given) {
    if (known.includes(name)) continue;
    const now = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
    if (now !== undefined) throw new TypeError(`runtrace: ${option}.${name} is now called ${option}.${now}`);
    throw badOption(option, `an object of ${known.join(', ')}`, name);
  }
}

/** The object `value`, which has no other fields than `known`. */
export function requireOptions(value: unknown, option: string, known: readonly string[]): Record<string, unknown> {
  const given = requireObject(value, option);
  checkFields(given, option, known);
  return given;
}

export function checkNumber(value: unknown, option: string, least: number, most = Number.POSITIVE_INFINITY): void {
  if (value !== undefined && !(typeof value === 'number' && value >= least && value <= most)) {
    const range = most < Number.POSITIVE_INFINITY ? `from ${least} to ${most}` : `of at least ${least}`;
    throw badOption(option, `a number ${range}`, value);
  }
}

/** The longest that a timer can wait. */
const LONGEST_MILLIS = 2 ** 31 - 1;

export function checkMillis(value: unknown, option: string, least: number): void {
  checkNumber(value, option, least, LONGEST_MILLIS);
}
