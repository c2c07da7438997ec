/** The usage of OpenAI's Chat Completions, as compatible servers count it. */
import type { Usage } from '../../../otel/genai.js';
import { count, defined, type JsonObject, object } from '../../../util/json-fields.js';

/** Reads the `usage` of a response, in the names of OpenAI or (gateways) of Anthropic. `model`: the one that answered. */
export function readUsage(usage: JsonObject, model = ''): Usage {
  const input = object(usage.prompt_tokens_details);
  const total = count(usage.total_tokens);
  const completionTokens = count(usage.completion_tokens) ?? count(usage.output_tokens);
  const inputTokens = count(usage.prompt_tokens) ?? count(usage.input_tokens);
  // Perplexity has them beside the sums.
  const reasoningTokens =
    count(object(usage.completion_tokens_details)?.reasoning_tokens) ??
    count(usage.reasoning_tokens) ??
    thoughtTokens(model, total, inputTokens, completionTokens);
  return defined<Usage>({
    inputTokens,
    outputTokens: outputTokens(total, inputTokens, completionTokens, reasoningTokens),
    // The names of DeepSeek, Moonshot, Mistral, and the one that LiteLLM took over from Anthropic.
    cacheReadTokens:
      count(input?.cached_tokens) ??
      count(usage.prompt_cache_hit_tokens) ??
      count(usage.cached_tokens) ??
      count(usage.num_cached_tokens) ??
      count(usage.cache_read_input_tokens),
    // OpenRouter's name, then the one that DashScope and LiteLLM took over from Anthropic.
    cacheWriteTokens:
      count(input?.cache_write_tokens) ??
      count(input?.cache_creation_input_tokens) ??
      count(usage.cache_creation_input_tokens),
    reasoningTokens,
  });
}

/** Gemini's compatible endpoint counts the model's thoughts in nothing but the total (github.com/mozilla-ai/any-llm/issues/1290). */
function thoughtTokens(model: string, total?: number, input?: number, completion?: number): number | undefined {
  if (total === undefined || !/(?:^|\/)gemini-/.test(model)) return undefined;
  const thoughts = total - (input ?? 0) - (completion ?? 0);
  return thoughts > 0 ? thoughts : undefined;
}

/**
 * llama.cpp has these counters also in streams that were not asked for usage.
 *
 * Source: tools/server/README.md of llama.cpp, "timings".
 */
export function readTimings({ prompt_n, cache_n, predicted_n }: JsonObject): Usage {
  const cached = count(cache_n);
  const prompt = count(prompt_n);
  return defined<Usage>({
    inputTokens: prompt === undefined ? undefined : prompt + (cached ?? 0),
    outputTokens: count(predicted_n),
    cacheReadTokens: cached,
  });
}

/** The conventions' sum includes the reasoning, as OpenAI's does. xAI's does not, which only its total shows. */
function outputTokens(total?: number, input?: number, completion?: number, reasoning?: number): number | undefined {
  if (completion === undefined || !reasoning || total !== (input ?? 0) + completion + reasoning) return completion;
  return completion + reasoning;
}
