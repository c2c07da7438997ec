/** The chat APIs that the clients speak, beside those of the root's clients. */
import type { WireFormat } from '../../../../examples/demo/wire/format.js';
import { aiGatewayLanguage } from './ai-gateway.js';
import { bedrockConverse } from './bedrock.js';
import { cohereChat } from './cohere.js';
import { compatibleChats } from './compatible.js';
import { mistralConversations } from './mistral-conversations.js';
import { ollamaChat } from './ollama.js';
import { watsonxChat } from './watsonx.js';

export const FORMATS: readonly WireFormat[] = [
  ...compatibleChats,
  aiGatewayLanguage,
  bedrockConverse,
  cohereChat,
  mistralConversations,
  ollamaChat,
  watsonxChat,
];
