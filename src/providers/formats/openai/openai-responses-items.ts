/** The items of OpenAI's Responses: the parts of a conversation, in a request and in a response. */
import type { Message, MessagePart } from '../../../otel/genai.js';
import { type JsonObject, objects, text } from '../../../util/json-fields.js';
import {
  audioPart,
  blobPart,
  filePart,
  mediaPart,
  otherPart,
  promptMessages,
  serverToolCallPart,
  serverToolResponsePart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../../message-parts.js';

/** The messages of a request. */
export function inputMessages(input: unknown): Message[] {
  return promptMessages(input) ?? objects(input).map(readInputItem);
}

function readInputItem(item: JsonObject): Message {
  const type = text(item.type) ?? 'message';
  const role = text(item.role) ?? (type.endsWith('_output') ? 'tool' : 'assistant');
  return { role, parts: readItem(item) };
}

/** An item of the input or the output. */
export function readItem(item: JsonObject): MessagePart[] {
  const type = text(item.type) ?? 'message';
  switch (type) {
    case 'message':
      return [...textParts(item.content), ...objects(item.content).flatMap(readPart)];
    case 'reasoning':
      return [...objects(item.summary), ...objects(item.content)].flatMap((part) => textParts(part.text, 'reasoning'));
    case 'function_call':
      return [toolCallPart(item.call_id, item.name, item.arguments)];
    case 'custom_tool_call':
      return [toolCallPart(item.call_id, item.name, item.input)];
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [toolResponsePart(item.call_id, item.output, readPart)];
    case 'computer_call_output':
      return [toolResponsePart(item.call_id, objects([item.output]).flatMap(readPart))];
    case 'image_generation_call':
      return [blobPart(`image/${text(item.output_format) ?? 'png'}`, item.result)];
  }
  if (type.endsWith('_call')) return [serverToolCallPart(item.id ?? item.call_id, type, item)];
  if (type.endsWith('_output')) return [serverToolResponsePart(item.call_id ?? item.id, item)];
  return otherPart(item);
}

function readPart(part: JsonObject): MessagePart[] {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return textParts(part.text);
    case 'refusal':
      return textParts(part.refusal, 'refusal');
    case 'input_image':
    case 'computer_screenshot':
      return [text(part.file_id) ? filePart(part.file_id, 'image') : mediaPart(part.image_url, 'image')];
    case 'input_audio':
      return [audioPart(part.input_audio)];
    case 'input_file':
      if (text(part.file_id)) return [filePart(part.file_id)];
      return [mediaPart(part.file_data ?? part.file_url, 'document')];
    default:
      return otherPart(part);
  }
}
