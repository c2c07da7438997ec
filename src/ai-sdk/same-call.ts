/**
 * Whether two calls ask the same. The AI SDK makes new options for a retry, from the same messages, so most parts are identical objects and
 * the comparison is short. The signal and the headers are not compared.
 */
export function isSameCall(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && isSameBytes(a, b);
  if (a instanceof URL) return b instanceof URL && a.href === b.href;
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const left = namesOf(a);
  return left.length === namesOf(b).length && left.every((name) => isSameCall(property(a, name), property(b, name)));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

const NOT_ASKED: readonly string[] = ['abortSignal', 'headers'];

function namesOf(value: object): string[] {
  return Object.keys(value).filter((name) => property(value, name) !== undefined && !NOT_ASKED.includes(name));
}

function property(value: object, name: string): unknown {
  return (value as Record<string, unknown>)[name];
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
}
