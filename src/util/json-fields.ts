/** A JSON object from outside. Each field can have any type, so read it with the functions below. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** In characters. Real model names and ids are shorter; a longer text is ignored. */
const MAX_LABEL_LENGTH = 512;

/** A longer text, or one with other characters, may quote a prompt or an answer. */
const IDENTIFIER = /^[A-Za-z0-9_.:-]{1,64}$/;

/** The value of a JSON text; `undefined` if the text is not JSON. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** `value` if it is a JSON object. */
export function object(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The objects in `value`, if it is a list. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => object(item) !== undefined) : [];
}

/** `value` if it is a string. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The texts in `value`, which may be a list or a single one; `undefined` if there is none. */
export function texts(value: unknown): string[] | undefined {
  const found = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
  return found.length > 0 ? found : undefined;
}

/** `value` if it can be a name: a text that is neither empty nor longer than those are. */
export function label(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LABEL_LENGTH ? value : undefined;
}

/** `value` if it can be an id, or the name that a provider gives to something: a label of one word, so not what a model wrote. */
export function word(value: unknown): string | undefined {
  const found = label(value);
  return found !== undefined && !/\s/.test(found) ? found : undefined;
}

/** `value` if it can be a code: `rate_limit_error`, `end_turn`. */
export function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && IDENTIFIER.test(value) ? value : undefined;
}

/** `value` if it is a finite number (`1e999` in JSON is not). */
export function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** `value` if it can be a counter. */
export function count(value: unknown): number | undefined {
  const counter = number(value);
  return counter !== undefined && counter >= 0 ? counter : undefined;
}

/** The first of `values` that `read` finds something in. */
export function first<T>(values: readonly unknown[], read: (value: unknown) => T | undefined): T | undefined {
  for (const value of values) {
    const found = read(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `fields` without those that are `undefined`. */
export function defined<T extends object>(fields: { [Key in keyof T]: T[Key] | undefined }): T {
  const found: Partial<T> = {};
  for (const name in fields) if (fields[name] !== undefined) found[name] = fields[name];
  return found as T;
}
