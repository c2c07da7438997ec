/** A random model call: what the provider does, what the application does, and what must be exported of it. */
import { Random } from '../fuzz/random.js';

/** How the provider answers one request. */
export type ServerAnswer =
  | { readonly kind: 'status'; readonly code: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'answer'; readonly input: number; readonly output: number }
  | { readonly kind: 'stall' | 'reset in mid-stream' | 'error event' };

/** What the application does with its call. */
export type Reader = 'reads' | 'breaks' | 'aborts' | 'aborts while waiting';

export interface CallPlan {
  readonly answers: readonly ServerAnswer[];
  readonly reader: Reader;
}

export interface Program {
  /** Where the calls are made; `parallel`: two calls at once in one explicit step; `returned`: the run returns the stream. */
  readonly shape: 'implicit' | 'step' | 'reuse' | 'parallel' | 'returned';
  readonly calls: readonly CallPlan[];
}

export interface ExpectedStep {
  readonly status: 'completed' | 'error' | 'interrupted';
  /** `503 failed`, `failed`, `200 completed`… in order of number. */
  readonly attempts: readonly string[];
  readonly input: number | undefined;
  readonly output: number | undefined;
}

export const MAX_RETRIES = 3;

const REFUSALS = [429, 500, 503, 529, 408];

export function randomProgram(seed: number): Program {
  const random = new Random(seed);
  const shape = random.pick(['implicit', 'implicit', 'step', 'reuse', 'parallel', 'returned'] as const);
  const count = shape === 'parallel' ? 2 : shape === 'returned' ? 1 : random.integer(1, 3);
  const calls = Array.from({ length: count }, () => randomCall(random, shape));
  // Between two attempts of a call nothing overlaps: beside a call that is stopped, the other one is answered at once.
  const isStopped = shape === 'parallel' && calls.some(({ reader }) => reader === 'aborts');
  return { shape, calls: isStopped ? calls.map((call) => ({ ...call, answers: call.answers.slice(-1) })) : calls };
}

function randomCall(random: Random, shape: Program['shape']): CallPlan {
  const failures: ServerAnswer[] = Array.from({ length: random.pick([0, 0, 0, 1, 1, 2, 3, 4]) }, () =>
    random.chance(0.25) ? { kind: 'reset' } : { kind: 'status', code: random.pick(REFUSALS) },
  );
  // Which attempts of two calls overlap is a matter of chance, so there a call that is retried is always read.
  if (shape === 'parallel') failures.length = Math.min(failures.length, 2);
  const answer: ServerAnswer = { kind: 'answer', input: random.integer(1, 99), output: random.integer(1, 99) };
  if (shape === 'parallel') {
    const stops = failures.length === 0 && random.chance(0.3);
    return stops
      ? { answers: [{ kind: 'stall' }], reader: 'aborts' }
      : { answers: [...failures, answer], reader: 'reads' };
  }
  if (failures.length === 1 && shape !== 'returned' && random.chance(0.3)) {
    return { answers: [{ kind: 'status', code: 503 }], reader: 'aborts while waiting' };
  }
  if (random.chance(0.25))
    return { answers: [...failures, { kind: 'stall' }], reader: random.pick(['breaks', 'aborts']) };
  const last = random.pick<ServerAnswer>([
    answer,
    answer,
    answer,
    { kind: 'status', code: 400 },
    { kind: 'reset in mid-stream' },
    { kind: 'error event' },
  ]);
  return { answers: [...failures, last], reader: 'reads' };
}

/** How one call must end, by the rules. */
export function expectedCall({ answers, reader }: CallPlan): ExpectedStep {
  const attempts: string[] = [];
  for (const answer of answers.slice(0, MAX_RETRIES + 1)) {
    switch (answer.kind) {
      case 'reset':
        attempts.push('failed');
        break;
      case 'status':
        attempts.push(`${answer.code} failed`);
        if (reader === 'aborts while waiting') return ended('interrupted', attempts);
        if (answer.code === 400) return ended('error', attempts);
        break;
      case 'answer':
        return { ...ended('completed', [...attempts, '200 completed']), input: answer.input, output: answer.output };
      case 'stall':
        return ended('interrupted', [...attempts, '200 aborted']);
      default:
        return ended('error', [...attempts, '200 failed']);
    }
  }
  return ended('error', attempts);
}

function ended(status: ExpectedStep['status'], attempts: readonly string[]): ExpectedStep {
  return { status, attempts, input: undefined, output: undefined };
}

/** The steps of a program, in order of number. */
export function expectedSteps({ shape, calls }: Program): ExpectedStep[] {
  const steps = calls.map(expectedCall);
  if (shape !== 'reuse' && shape !== 'parallel') return steps;
  const rank = { completed: 2, error: 1, interrupted: 0 };
  const sum = (values: readonly (number | undefined)[]) => {
    const known = values.filter((value) => value !== undefined);
    return known.length > 0 ? known.reduce((total, value) => total + value, 0) : undefined;
  };
  const byPriority = steps.reduce((best, step) => (rank[step.status] >= rank[best.status] ? step : best)).status;
  // Two calls at once: a stream that was stopped after its content had begun is not outranked by an answer beside it.
  const isStopped = shape === 'parallel' && steps.some((step) => step.status === 'interrupted');
  return [
    {
      status: isStopped ? 'interrupted' : byPriority,
      attempts: steps.flatMap(({ attempts }) => attempts),
      input: sum(steps.map(({ input }) => input)),
      output: sum(steps.map(({ output }) => output)),
    },
  ];
}
