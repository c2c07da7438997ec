import type { Message, MessagePart } from '../otel/genai.js';
import { type JsonObject, label, object, objects, parseJson, text, texts } from '../util/json-fields.js';
import { lengthBeforeCut } from './stream/extent.js';

/**
 * Parts of messages in the conventions' shapes, made from what the wire formats have in common.
 *
 * Images, audio and documents that a body contains as base64 are never recorded: the `content` of such a `blob` says
 * how many bytes they have.
 */

/** A text part; none for an empty text. */
export function textParts(content: unknown, type = 'text'): MessagePart[] {
  return typeof content === 'string' && content !== '' ? [{ type, content }] : [];
}

/** A prompt, or several: a message of the user for each. */
export function promptMessages(prompt: unknown): Message[] | undefined {
  return texts(prompt)?.map((content) => ({ role: 'user', parts: textParts(content) }));
}

/** A tool call. `args` are parsed if they are JSON; if not (they broke off), they are recorded as text. */
export function toolCallPart(id: unknown, name: unknown, args: unknown): MessagePart {
  const parsed = readArguments(args);
  return {
    type: 'tool_call',
    ...optional('id', label(id)),
    name: text(name) ?? '',
    ...(parsed !== undefined && { arguments: parsed }),
  };
}

/**
 * The result of a tool. `readPart` reads one of the parts that a result may be a list of, so that no bytes of attached
 * media are recorded.
 */
export function toolResponsePart(
  id: unknown,
  result: unknown,
  readPart?: (part: JsonObject) => MessagePart[],
): MessagePart {
  const response = readPart && Array.isArray(result) ? objects(result).flatMap(readPart) : result;
  return { type: 'tool_call_response', ...optional('id', label(id)), response: response ?? null };
}

/** The arguments of a tool call: parsed if they are JSON text. */
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

/** The result of a tool that the provider ran itself. */
export function serverToolResponsePart(id: unknown, response: JsonObject): MessagePart {
  return { type: 'server_tool_call_response', ...optional('id', label(id)), server_tool_call_response: response };
}

/** Media that the body contains as base64: their bytes are counted, not recorded. */
export function blobPart(mimeType: unknown, base64: unknown, modality?: string): MessagePart {
  const encoded = text(base64) ?? '';
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0;
  const bytes = Math.floor((lengthBeforeCut(encoded) * 3) / 4) - padding;
  return {
    type: 'blob',
    modality: modality ?? modalityOf(mimeType),
    ...optional('mime_type', label(mimeType)),
    content: `[${Math.max(bytes, 0)} bytes]`,
  };
}

/** Audio in the shape that OpenAI's APIs share. */
export function audioPart(audio: unknown): MessagePart {
  const { format, data } = object(audio) ?? {};
  return blobPart(`audio/${text(format) ?? 'wav'}`, data);
}

/** Media given by their URL, which may be a `data:` URL. */
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

/** Media that were uploaded to the provider before. */
export function filePart(id: unknown, modality = 'document'): MessagePart {
  return { type: 'file', modality, file_id: text(id) ?? '' };
}

/** A part for which the conventions have no shape, unchanged; none if it has no type. */
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
