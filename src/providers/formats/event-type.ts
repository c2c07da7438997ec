import { label, object, parseJson } from '../../util/json-fields.js';

/** Providers write the type as the first field, so that it can be read without parsing the event. */
const FIRST_FIELD = /^\s*\{\s*"type"\s*:\s*"([\w.-]+)"/;

/**
 * The type of an event whose data has a `type`: the name of the server-sent event, else the `type`. Some gateways drop
 * the name, or replace it by `message`, the name that a browser gives to events without one.
 */
export function eventType(name: string, data: string): string {
  if (name !== '' && name !== 'message') return name;
  return FIRST_FIELD.exec(data)?.[1] ?? label(object(parseJson(data))?.type) ?? '';
}
