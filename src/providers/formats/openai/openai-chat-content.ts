/** The messages of OpenAI's Chat Completions, as the conventions' message parts. */
import type { Message, MessagePart } from '../../../otel/genai.js';
import { type JsonObject, label, object, objects, text } from '../../../util/json-fields.js';
import {
  audioPart,
  filePart,
  mediaPart,
  otherPart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../../message-parts.js';

/** A message of a request. */
export function readMessage(message: JsonObject): Message {
  const role = text(message.role) ?? 'user';
  const name = label(message.name);
  const parts =
    role === 'tool' ? [toolResponsePart(message.tool_call_id, message.content, readPart)] : messageParts(message);
  return { role, parts, ...(name !== undefined && { name }) };
}

/** The parts of a message of a request or a response. */
export function messageParts(message: JsonObject): MessagePart[] {
  return [
    ...textParts(reasoningOf(message), 'reasoning'),
    ...textParts(message.content),
    ...objects(message.content).flatMap(readPart),
    ...textParts(message.refusal, 'refusal'),
    ...textParts(object(message.audio)?.transcript),
    ...objects(message.images).flatMap(readPart),
    ...toolCallsOf(message).map((call) => {
      const { name, args } = calledTool(call);
      return toolCallPart(call.id, name, args);
    }),
  ];
}

/** The reasoning: `reasoning_content` (DeepSeek, xAI, vLLM) or `reasoning` (OpenRouter, Groq, Ollama). */
export function reasoningOf(message: JsonObject): unknown {
  return message.reasoning_content ?? message.reasoning;
}

/** The tool calls of a message or a delta; the older format has a single function call. */
export function toolCallsOf(message: JsonObject): JsonObject[] {
  const older = object(message.function_call);
  return older ? [{ function: older }] : objects(message.tool_calls);
}

/** The name and the arguments of a tool call. */
export function calledTool(call: JsonObject): { name: unknown; args: unknown } {
  const called = object(call.function);
  if (called) return { name: called.name, args: called.arguments };
  const custom = object(call.custom);
  return { name: custom?.name, args: custom?.input };
}

/** A part of a message's content. */
export function readPart(part: JsonObject): MessagePart[] {
  switch (part.type) {
    case 'text':
      return textParts(part.text);
    case 'refusal':
      return textParts(part.refusal, 'refusal');
    case 'image_url':
      return [mediaPart(object(part.image_url)?.url ?? part.image_url, 'image')];
    case 'video_url':
      return [mediaPart(object(part.video_url)?.url, 'video')];
    case 'input_audio':
      return [audioPart(part.input_audio)];
    case 'file': {
      const file = object(part.file);
      return [file?.file_data === undefined ? filePart(file?.file_id) : mediaPart(file.file_data, 'document')];
    }
    // Mistral's reasoning.
    case 'thinking':
      return objects(part.thinking).flatMap((thought) => textParts(thought.text, 'reasoning'));
    default:
      return otherPart(part);
  }
}

/** A tool definition. In the conventions, the function's fields are on the tool itself. */
export function flatTool(tool: JsonObject): JsonObject {
  const { function: called, custom, ...rest } = tool;
  return { ...rest, ...object(called), ...object(custom) };
}
