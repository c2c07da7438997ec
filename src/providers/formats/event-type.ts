import { label, object, parseJson } from '../../util/json-fields.js';

/** Where a provider writes the type, it is the first field. */
const FIRST_FIELD = /^\s*\{\s*"type"\s*:\s*"([\w.]+)"/;

/**
 * The type of an event whose data have a `type`, as its SSE name says it; read from the data where a gateway dropped
 * the name, or made it `message`, which is what server-sent events without a name are called.
 */
export function eventType(name: string, data: string): string {
  if (name !== '' && name !== 'message') return name;
  return FIRST_FIELD.exec(data)?.[1] ?? label(object(parseJson(data))?.type) ?? '';
}
