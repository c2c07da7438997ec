import type { Usage } from '../../otel/genai.js';

/** More answers than this are added up; their usage can then no longer be replaced. */
const MAX_APART = 1024;

/** What an answer cost; `id` is the response's, if it has one. */
export interface AnswerUsage {
  readonly id: string | undefined;
  readonly usage: Usage;
}

/** Adds `usage` to `sum`. A field that neither has stays absent. */
export function addUsage(sum: Usage, usage: Usage): void {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  if (inputTokens !== undefined) sum.inputTokens = (sum.inputTokens ?? 0) + inputTokens;
  if (outputTokens !== undefined) sum.outputTokens = (sum.outputTokens ?? 0) + outputTokens;
  if (cacheReadTokens !== undefined) sum.cacheReadTokens = (sum.cacheReadTokens ?? 0) + cacheReadTokens;
  if (cacheWriteTokens !== undefined) sum.cacheWriteTokens = (sum.cacheWriteTokens ?? 0) + cacheWriteTokens;
  if (reasoningTokens !== undefined) sum.reasoningTokens = (sum.reasoningTokens ?? 0) + reasoningTokens;
}

/** The usage of several answers. The usage of one answer counts once, however often the answer was fetched. */
export class UsageSum {
  readonly #ofAnswer = new Map<string | number, Usage>();
  readonly #others: Usage = {};

  /** `answer` identifies the answer: by the response's id, or by the number of its attempt. The last usage that it had counts. */
  set(answer: string | number, usage: Usage): void {
    this.#ofAnswer.set(answer, usage);
    if (this.#ofAnswer.size <= MAX_APART) return;
    const [oldest] = this.#ofAnswer;
    if (!oldest) return;
    this.#ofAnswer.delete(oldest[0]);
    addUsage(this.#others, oldest[1]);
  }

  has(answer: string | number): boolean {
    return this.#ofAnswer.has(answer);
  }

  /** The usage of each answer; that of answers which are no longer apart is one entry. */
  answers(): AnswerUsage[] {
    const answers = Array.from(this.#ofAnswer, ([answer, usage]) => ({ id: idOf(answer), usage }));
    return [{ id: undefined, usage: this.#others }, ...answers];
  }
}

function idOf(answer: string | number): string | undefined {
  return typeof answer === 'string' ? answer : undefined;
}

/** How many answers of a run are remembered; the oldest are dropped. */
const MAX_REMEMBERED = 1024;

/** The usage of the steps of a run. */
export class RunUsage {
  readonly #total: Usage = {};
  readonly #counted = new Set<string>();

  /**
   * Adds an answer, unless a step before had the same one (a cache, a second fetch of a stored response). Some servers number their
   * answers at random from a small range (Ollama), so two answers with one id and different usage are two.
   */
  add({ id, usage }: AnswerUsage): void {
    if (id !== undefined && !this.#isNew(answerKey(id, usage))) return;
    addUsage(this.#total, usage);
  }

  get total(): Usage {
    return this.#total;
  }

  #isNew(answer: string): boolean {
    if (this.#counted.has(answer)) return false;
    this.#counted.add(answer);
    if (this.#counted.size > MAX_REMEMBERED) {
      const [oldest] = this.#counted;
      if (oldest !== undefined) this.#counted.delete(oldest);
    }
    return true;
  }
}

function answerKey(id: string, usage: Usage): string {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  const key = `${id} ${inputTokens},${outputTokens}`;
  const hasMore = cacheReadTokens !== undefined || cacheWriteTokens !== undefined || reasoningTokens !== undefined;
  return hasMore ? `${key},${cacheReadTokens},${cacheWriteTokens},${reasoningTokens}` : key;
}

/** The sum over all answers. */
export function totalOf(answers: readonly AnswerUsage[]): Usage {
  const [only] = answers;
  if (only && answers.length === 1) return only.usage;
  const sum: Usage = {};
  for (const { usage } of answers) addUsage(sum, usage);
  return sum;
}
