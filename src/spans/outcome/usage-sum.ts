import type { Usage } from '../../otel/genai.js';

/** More answers than this are added up; their usage can then no longer be replaced. */
const MAX_APART = 1024;

const FIELDS = ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens'] as const;

/** Adds `usage` to `sum`. A field that neither has stays absent. */
export function addUsage(sum: Usage, usage: Usage): void {
  for (const field of FIELDS) {
    const tokens = usage[field];
    if (tokens !== undefined) sum[field] = (sum[field] ?? 0) + tokens;
  }
}

/** The usage of several answers. The usage of one answer counts once, however often the answer was fetched. */
export class UsageSum {
  readonly #ofAnswer = new Map<string, Usage>();
  readonly #others: Usage = {};

  /** `answer` identifies the answer; the last usage that it had counts. */
  set(answer: string, usage: Usage): void {
    this.#ofAnswer.set(answer, usage);
    if (this.#ofAnswer.size <= MAX_APART) return;
    const [oldest] = this.#ofAnswer;
    if (!oldest) return;
    this.#ofAnswer.delete(oldest[0]);
    addUsage(this.#others, oldest[1]);
  }

  has(answer: string): boolean {
    return this.#ofAnswer.has(answer);
  }

  /** `undefined` if no answer had any usage. */
  total(): Usage | undefined {
    if (this.#ofAnswer.size === 0) return undefined;
    const sum = { ...this.#others };
    for (const usage of this.#ofAnswer.values()) addUsage(sum, usage);
    return sum;
  }
}
