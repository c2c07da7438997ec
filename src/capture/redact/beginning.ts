/**
 * How much more than the recorded part is read of a long text, in characters: a secret that the cut goes through is recognized by its rest.
 */
const LOOK_AHEAD = 4096;

/** How deep objects are looked into. What is deeper is left to `JSON.stringify`, which also finds cycles. */
const MAX_DEPTH = 64;

/** The beginning of a long text that is enough to record `maxBytes` of it; the same text if that is all. */
export function beginningOfText(text: string, maxBytes: number): string {
  return text.length > maxBytes + LOOK_AHEAD ? text.slice(0, Math.max(0, maxBytes) + LOOK_AHEAD) : text;
}

/** The text of the beginning of bytes of UTF-8 that is enough to record `maxBytes` of it. A character that the cut goes through is left out. */
export function beginningOfBytes(bytes: Uint8Array, maxBytes: number): string {
  const length = Math.max(0, maxBytes) + LOOK_AHEAD;
  return new TextDecoder().decode(bytes.subarray(0, length), { stream: bytes.length > length });
}

/** The beginning of the JSON text of a value. Writing all of a long value would take longer than redacting its beginning. */
export interface JsonBeginning {
  readonly json: string;
  readonly isCut: boolean;
}

/** The beginning of the JSON text of a value that is enough to record `maxBytes` of it. `undefined` for a value that JSON leaves out. */
export function beginningOfJson(value: unknown, maxBytes: number): JsonBeginning | undefined {
  const room = { left: Math.max(0, maxBytes) + LOOK_AHEAD };
  const beginning = take(value, room, 0);
  const json = JSON.stringify(beginning);
  if (json === undefined) return undefined;
  const read = beginningOfText(json, maxBytes);
  return { json: read, isCut: read !== json };
}

/** The value, or a copy that has less once the room is used up. No value takes less room than counted here, so what is missing is cut anyway. */
function take(value: unknown, room: { left: number }, depth: number): unknown {
  room.left -= 2;
  if (typeof value === 'string') {
    const part = value.length > room.left ? value.slice(0, Math.max(0, room.left) + 1) : value;
    room.left -= part.length;
    return part;
  }
  if (depth === MAX_DEPTH) return value;
  if (Array.isArray(value)) return takeList(value, room, depth + 1);
  return isPlain(value) ? takeFields(value, room, depth + 1) : value;
}

function takeList(list: readonly unknown[], room: { left: number }, depth: number): unknown {
  const taken: unknown[] = [];
  for (const item of list) {
    if (room.left < 0) return taken;
    taken.push(take(item, room, depth));
  }
  return room.left < 0 ? taken : list;
}

function takeFields(fields: Readonly<Record<string, unknown>>, room: { left: number }, depth: number): unknown {
  const taken: [string, unknown][] = [];
  for (const name of Object.keys(fields)) {
    if (room.left < 0) break;
    room.left -= name.length;
    taken.push([name, take(fields[name], room, depth)]);
  }
  return room.left < 0 ? Object.fromEntries(taken) : fields;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
