/** Reads the messages of a model call from the conventions' JSON. It comes from a trace, so nothing in it is taken for granted. */
import * as names from '../../../otel/names.js';
import { object, objects, parseJson, text } from '../../../util/json-fields.js';
import type { SpanNode } from '../../model.js';

export interface ShownMessage {
  readonly role: string;
  readonly name?: string;
  readonly parts: readonly ShownPart[];
  readonly finishReason?: string;
}

export interface ShownPart {
  /** `text` needs no label; the others say what they are: `reasoning`, `tool call weather`. */
  readonly label: string;
  readonly text: string;
}

export interface Conversation {
  readonly system: readonly ShownPart[];
  readonly input: readonly ShownMessage[] | undefined;
  readonly output: readonly ShownMessage[] | undefined;
  readonly tools: readonly ShownTool[];
}

export interface ShownTool {
  readonly name: string;
  readonly description?: string;
  /** The schema of its parameters, as JSON. */
  readonly parameters?: string;
}

export function conversationOf({ attributes }: SpanNode): Conversation {
  return {
    system: parts(json(attributes[names.GEN_AI_SYSTEM_INSTRUCTIONS])),
    input: messages(attributes[names.GEN_AI_INPUT_MESSAGES]),
    output: messages(attributes[names.GEN_AI_OUTPUT_MESSAGES]),
    tools: objects(json(attributes[names.GEN_AI_TOOL_DEFINITIONS])).map((tool) => {
      const description = text(tool.description);
      return {
        name: text(tool.name) ?? text(tool.type) ?? '?',
        ...(description !== undefined && { description }),
        ...(tool.parameters !== undefined && { parameters: shown(tool.parameters) }),
      };
    }),
  };
}

function messages(value: unknown): ShownMessage[] | undefined {
  if (value === undefined) return undefined;
  const list = json(value);
  // An attribute that was cut is no JSON any more; its text is better than nothing.
  if (!Array.isArray(list)) return [{ role: '?', parts: [{ label: 'not readable as messages', text: shown(value) }] }];
  return objects(list).map((message) => {
    const name = text(message.name);
    const finishReason = text(message.finish_reason);
    return {
      role: text(message.role) ?? '?',
      parts: parts(message.parts),
      ...(name !== undefined && { name }),
      ...(finishReason !== undefined && { finishReason }),
    };
  });
}

function parts(value: unknown): ShownPart[] {
  return Array.isArray(value) ? value.map(part) : [];
}

function part(value: unknown): ShownPart {
  const { type, content, ...rest } = object(value) ?? {};
  const id = text(rest.id) ? ` (${rest.id})` : '';
  if (type === 'text') return { label: '', text: shown(content) };
  if (type === 'reasoning') return { label: 'reasoning', text: shown(content) };
  if (type === 'tool_call') return { label: `calls ${text(rest.name) ?? 'a tool'}${id}`, text: shown(rest.arguments) };
  if (type === 'tool_call_response') return { label: `result${id}`, text: shown(rest.response) };
  if (type === 'blob' || type === 'uri' || type === 'file') {
    const what = [text(rest.modality), text(rest.mime_type)].filter(Boolean).join(', ');
    return { label: what || String(type), text: shown(content ?? rest.uri ?? rest.file_id) };
  }
  return { label: text(type) ?? 'part', text: shown(value) };
}

function json(value: unknown): unknown {
  return typeof value === 'string' ? parseJson(value) : value;
}

/** Texts with their line breaks, everything else as JSON. */
function shown(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
