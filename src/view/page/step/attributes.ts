import * as names from '../../../otel/names.js';
import type { SpanNode } from '../../model.js';
import { bytes } from '../parts/format.js';

const REQUEST_PREFIX = 'gen_ai.request.';
/** What the page shows in places of their own. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  names.GEN_AI_INPUT_MESSAGES,
  names.GEN_AI_OUTPUT_MESSAGES,
  names.GEN_AI_SYSTEM_INSTRUCTIONS,
  names.GEN_AI_TOOL_DEFINITIONS,
  names.GEN_AI_TOOL_CALL_ARGUMENTS,
  names.GEN_AI_TOOL_CALL_RESULT,
  names.GEN_AI_USAGE_INPUT_TOKENS,
  names.GEN_AI_USAGE_OUTPUT_TOKENS,
  names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
  names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
  names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
]);

/** What the model was asked with: `max_tokens 200`. */
export function parametersOf({ attributes }: SpanNode): [name: string, value: string][] {
  return Object.entries(attributes)
    .filter(([name]) => name.startsWith(REQUEST_PREFIX))
    .map(([name, value]) => [name.slice(REQUEST_PREFIX.length), shownValue(value)]);
}

/** All attributes that the page shows nowhere else, by name. */
export function otherAttributesOf({ attributes, cut = {} }: SpanNode): [name: string, value: string][] {
  return Object.entries(attributes)
    .filter(([name]) => !ELSEWHERE.has(name) && !name.startsWith(REQUEST_PREFIX))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const whole = Object.hasOwn(cut, name) ? cut[name] : undefined;
      return [name, whole === undefined ? shownValue(value) : `${shownValue(value)}… (cut: ${bytes(whole)} in all)`];
    });
}

export function shownValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(shownValue).join(', ');
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
