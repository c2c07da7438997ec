import type { Attributes } from '@opentelemetry/api';
import { report } from '../util/diagnostics.js';
import type { MayLack } from '../util/validation.js';

/**
 * A part of a message, in the shape of the GenAI semantic conventions.
 *
 * Source: open-telemetry/semantic-conventions-genai v0.1.0, the JSON schemas of input and output messages.
 */
export type MessagePart =
  | { type: 'text'; content: string }
  | { type: 'reasoning'; content: string }
  | { type: 'tool_call'; id?: string; name: string; arguments?: unknown }
  | { type: 'tool_call_response'; id?: string; response: unknown }
  | { type: 'blob'; modality: string; mime_type?: string; content: string }
  | { type: 'uri'; modality: string; mime_type?: string; uri: string }
  | { type: 'file'; modality: string; mime_type?: string; file_id: string }
  | { type: string; [key: string]: unknown };

/** A message, in the shape of the GenAI semantic conventions. */
export interface Message {
  role: string;
  parts: MessagePart[];
  name?: string;
  /** On an output message: why the model stopped. */
  finish_reason?: string;
}

/**
 * What was asked of the model. Each field becomes an attribute of the step; stop sequences, messages, system instructions and tools only
 * where content is captured.
 */
export interface ModelRequest {
  model?: string;
  /** The agent at the provider that is asked in the place of a model. */
  agentName?: string;
  /** Whether the answer was asked for as a stream; only `true` is written. */
  stream?: boolean;
  /**
   * Whether the response is made in the background, and asked for later. Only what is read at the wire counts.
   *
   * @internal
   */
  inBackground?: boolean;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  stopSequences?: string[];
  frequencyPenalty?: number;
  presencePenalty?: number;
  /** How many answers were asked for; only written if not 1. */
  choiceCount?: number;
  reasoningLevel?: string;
  previousResponseId?: string;
  /** `text`, `json`, `image` or `speech`. */
  outputType?: string;
  messages?: Message[];
  systemInstructions?: MessagePart[];
  toolDefinitions?: unknown[];
  /** Attributes of one provider, under their full names (`openai.api.type`). */
  extra?: Attributes;
}

/** What the model answered. Each field becomes an attribute of the step; messages only where content is captured. */
export interface ModelResponse {
  id?: string;
  model?: string;
  finishReasons?: string[];
  messages?: Message[];
  /** Attributes of one provider, under their full names (`openai.response.service_tier`). */
  extra?: Attributes;
}

/** What the call cost, in tokens, counted as the GenAI conventions count them. */
export interface Usage {
  /** All input tokens, those read from and written to a cache included. */
  inputTokens?: number;
  /** All output tokens, those of reasoning included. */
  outputTokens?: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  reasoningTokens?: number;
}

/** What of it are numbers. `undefined` if nothing is. */
export function usageOf(given: MayLack<Usage> | null | undefined): Usage | undefined {
  if (given == null) return undefined;
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = given;
  const usage: Usage = {};
  if (isCount(inputTokens)) usage.inputTokens = inputTokens;
  if (isCount(outputTokens)) usage.outputTokens = outputTokens;
  if (isCount(cacheReadTokens)) usage.cacheReadTokens = cacheReadTokens;
  if (isCount(cacheWriteTokens)) usage.cacheWriteTokens = cacheWriteTokens;
  if (isCount(reasoningTokens)) usage.reasoningTokens = reasoningTokens;
  if (!isEmpty(usage)) return usage;
  if (!isEmpty(given) && !('inputTokens' in given || 'outputTokens' in given)) {
    report('usage without inputTokens or outputTokens was left out');
  }
  return undefined;
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

function isCount(tokens: number | null | undefined): tokens is number {
  if (typeof tokens === 'number' && tokens >= 0 && tokens < Number.POSITIVE_INFINITY) return true;
  if (tokens != null) report('usage that is no number was left out');
  return false;
}
