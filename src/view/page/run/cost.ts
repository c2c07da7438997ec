import * as names from '../../../otel/names.js';
import type { Price, Prices, RunDetail, SpanNode, Usage } from '../../model.js';
import { isModelCall } from './spans.js';

const PER_TOKENS = 1_000_000;

export interface Cost {
  readonly dollars: number;
  /** The models for which the price list has no price, or whose usage is not known. */
  readonly without: readonly string[];
}

/** What the model calls of a run cost by the user's own price list. */
export function costOf({ spans }: RunDetail, prices: Prices): Cost {
  let dollars = 0;
  const without = new Set<string>();
  for (const span of spans.filter(isModelCall)) {
    const cost = costOfStep(span, prices);
    if (cost === undefined) without.add(modelOf(span) ?? 'an unknown model');
    else dollars += cost;
  }
  return { dollars, without: [...without] };
}

export function costOfStep(span: SpanNode, prices: Prices): number | undefined {
  const price = priceOf(span, prices);
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = usageOf(span);
  if (!price || (inputTokens === undefined && outputTokens === undefined)) return undefined;
  const plainInput = Math.max(0, (inputTokens ?? 0) - cacheReadTokens - cacheWriteTokens);
  return (
    (plainInput * price.input +
      cacheReadTokens * (price.cacheRead ?? price.input) +
      cacheWriteTokens * (price.cacheWrite ?? price.input) +
      (outputTokens ?? 0) * price.output) /
    PER_TOKENS
  );
}

export function dollars(amount: number): string {
  return `$${amount < 0.01 ? amount.toPrecision(2) : amount.toFixed(amount < 1 ? 4 : 2)}`;
}

/** The tokens of a model call, by its attributes. */
export function usageOf({ attributes }: SpanNode): Usage {
  const usage: Usage = {};
  const read = (field: keyof Usage, name: string) => {
    const value = attributes[name];
    if (typeof value === 'number') usage[field] = value;
  };
  read('inputTokens', names.GEN_AI_USAGE_INPUT_TOKENS);
  read('outputTokens', names.GEN_AI_USAGE_OUTPUT_TOKENS);
  read('cacheReadTokens', names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS);
  read('cacheWriteTokens', names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS);
  read('reasoningTokens', names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS);
  return usage;
}

function modelOf({ attributes }: SpanNode): string | undefined {
  const model = attributes[names.GEN_AI_RESPONSE_MODEL] ?? attributes[names.GEN_AI_REQUEST_MODEL];
  return typeof model === 'string' ? model : undefined;
}

/** By the model that answered, else by the one that was asked for. */
function priceOf({ attributes }: SpanNode, prices: Prices): Price | undefined {
  for (const name of [names.GEN_AI_RESPONSE_MODEL, names.GEN_AI_REQUEST_MODEL]) {
    const model = attributes[name];
    if (typeof model === 'string' && Object.hasOwn(prices, model)) return prices[model];
  }
  return undefined;
}
