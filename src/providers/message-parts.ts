import type { MessagePart } from '../otel/genai.js';
import { type JsonObject, label, object, parseJson, text } from '../util/json-fields.js';

/**
 * Parts of messages in the conventions' shapes, made from what the protocols have in common.
 *
 * The bytes of images, audio and documents that stand in a body as base64 are never kept: `content` of such a `blob`
 * says how many there were.
 */

/** A text part; none for an empty text. */
export function textParts(content: unknown, type = 'text'): MessagePart[] {
  return typeof content === 'string' && content !== '' ? [{ type, content }] : [];
}

/** A tool call; `args` are parsed where they are JSON, and kept as the text that had arrived where they are not. */
export function toolCallPart(id: unknown, name: unknown, args: unknown): MessagePart {
  const parsed = readArguments(args);
  return {
    type: 'tool_call',
    ...optional('id', label(id)),
    name: text(name) ?? '',
    ...(parsed !== undefined && { arguments: parsed }),
  };
}

/** What a tool answered. */
export function toolResponsePart(id: unknown, response: unknown): MessagePart {
  return { type: 'tool_call_response', ...optional('id', label(id)), response: response ?? null };
}

/** Arguments that had arrived as text: parsed where they are JSON. */
export function readArguments(args: unknown): unknown {
  if (args === '') return undefined;
  return typeof args === 'string' ? (parseJson(args) ?? args) : args;
}

/**
 * A call of a tool that the provider runs itself, with its details; the conventions want the tool's type among them.
 */
export function serverToolCallPart(id: unknown, toolName: unknown, details: JsonObject): MessagePart {
  const name = text(toolName) ?? '';
  return { type: 'server_tool_call', ...optional('id', label(id)), name, server_tool_call: { type: name, ...details } };
}

/** What a tool that the provider ran itself answered. */
export function serverToolResponsePart(id: unknown, response: JsonObject): MessagePart {
  return { type: 'server_tool_call_response', ...optional('id', label(id)), server_tool_call_response: response };
}

/** Media that stand in the body as base64; their bytes are counted, not kept. */
export function blobPart(mimeType: unknown, base64: unknown, modality?: string): MessagePart {
  const encoded = text(base64) ?? '';
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0;
  const bytes = Math.floor((encoded.length * 3) / 4) - padding;
  return {
    type: 'blob',
    modality: modality ?? modalityOf(mimeType),
    ...optional('mime_type', label(mimeType)),
    content: `[${Math.max(bytes, 0)} bytes]`,
  };
}

/** Sound in the shape that OpenAI's APIs share. */
export function audioPart(audio: unknown): MessagePart {
  const { format, data } = object(audio) ?? {};
  return blobPart(`audio/${text(format) ?? 'wav'}`, data);
}

/** Media by their URL, which may be a `data:` URL. */
export function mediaPart(url: unknown, modality?: string, mimeType?: unknown): MessagePart {
  const uri = text(url) ?? '';
  const data = /^data:([^;,]*)[^,]{0,200},/i.exec(uri.slice(0, 300));
  if (data) return blobPart(data[1], uri.slice(data[0].length), modality);
  return {
    type: 'uri',
    modality: modality ?? modalityOf(mimeType),
    ...optional('mime_type', label(mimeType)),
    uri,
  };
}

/** Media that were given to the provider before. */
export function filePart(id: unknown, modality = 'document'): MessagePart {
  return { type: 'file', modality, file_id: text(id) ?? '' };
}

/** A part that the conventions have no shape for, as it came; none if it doesn't even have a type. */
export function otherPart(part: JsonObject): MessagePart[] {
  const type = label(part.type);
  return type === undefined ? [] : [{ ...part, type }];
}

function modalityOf(mimeType: unknown): string {
  const kind = /^(image|video|audio)\//.exec(text(mimeType) ?? '');
  return kind?.[1] ?? 'document';
}

function optional<Name extends string>(name: Name, value: string | undefined): { [Key in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]: string });
}
