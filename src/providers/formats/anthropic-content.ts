/** The messages and content blocks of Anthropic's Messages, as the conventions' message parts. */
import type { Message, MessagePart } from '../../otel/genai.js';
import { type JsonObject, object, objects, text } from '../../util/json-fields.js';
import {
  blobPart,
  filePart,
  mediaPart,
  otherPart,
  serverToolCallPart,
  serverToolResponsePart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../message-parts.js';

/** A message of a request. */
export function readMessage(message: JsonObject): Message {
  return { role: text(message.role) ?? 'user', parts: readContent(message.content) };
}

/** The content of a message or of the system prompt: text, or content blocks. */
export function readContent(content: unknown): MessagePart[] {
  return typeof content === 'string' ? textParts(content) : objects(content).flatMap(readBlock);
}

/** A content block; none for a block that has no content of its own. */
export function readBlock(block: JsonObject): MessagePart[] {
  switch (block.type) {
    case 'tool_use':
      return [toolCallPart(block.id, block.name, block.input)];
    case 'tool_result':
      return [toolResponsePart(block.tool_use_id, block.content, readSimpleBlock)];
    case 'server_tool_use':
    case 'mcp_tool_use':
      return [serverToolCallPart(block.id, block.name, { input: block.input })];
  }
  const isResult = typeof block.type === 'string' && block.type.endsWith('_tool_result');
  return isResult ? [serverToolResponsePart(block.tool_use_id, block)] : readSimpleBlock(block);
}

/** A content block that contains no other blocks. */
function readSimpleBlock(block: JsonObject): MessagePart[] {
  switch (block.type) {
    case 'text':
      return textParts(block.text);
    case 'thinking':
      return textParts(block.thinking, 'reasoning');
    case 'redacted_thinking':
      return [{ type: 'redacted_thinking' }];
    case 'image':
    case 'document':
      return readSource(block.type, object(block.source) ?? {});
    case 'container_upload':
      return [filePart(block.file_id)];
    default:
      return otherPart(block);
  }
}

function readSource(modality: string, source: JsonObject): MessagePart[] {
  switch (source.type) {
    case 'base64':
      return [blobPart(source.media_type, source.data, modality)];
    case 'url':
      return [mediaPart(source.url, modality, source.media_type)];
    case 'file':
      return [filePart(source.file_id, modality)];
    case 'text':
      return textParts(source.data);
    default:
      return textParts(source.content);
  }
}

/** A tool definition. The conventions call `input_schema` `parameters`; a tool without a type is a function. */
export function functionTool(tool: JsonObject): JsonObject {
  const { input_schema: parameters, ...rest } = tool;
  return { type: 'function', ...rest, ...(parameters !== undefined && { parameters }) };
}
