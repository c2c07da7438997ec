import { guarded, report } from '../../util/diagnostics.js';
import { badOption, checkNumber } from '../../util/validation.js';
import type { SettledRun } from './settled-run.js';

/** Decides whether a run is delivered. */
export type Keep = (run: SettledRun) => boolean;

/** What `keep` decided. */
export interface KeepDecision {
  readonly isKept: boolean;
  /** Set if `keep` would not have kept the run without `sampledByTraceId`. */
  readonly samplingRatio?: number;
}

/** One call of `keep`, and what it asked `sampledByTraceId`. */
interface Evaluation {
  /** `off`: `sampledByTraceId` answers false, to learn what `keep` says without it. */
  readonly sampling: 'on' | 'off';
  /** The largest ratio that was asked for. */
  largestRatio: number;
  /** Whether any answer was true. */
  isSampled: boolean;
  /** What `keep` returned; `undefined` if it threw or returned no boolean. */
  answer: boolean | undefined;
}

let current: Evaluation | undefined;

const RANDOM_DIGITS = 14;
const RANDOM_VALUES = 2 ** 56;

/**
 * Whether a trace belongs to a share of all traces: the same answer in every process, and for every larger `ratio` too. It
 * compares the last 56 bits of the trace id with a threshold, as OpenTelemetry's consistent probability sampling does, so
 * collectors and samplers that follow it decide alike.
 *
 * Made for `keep`: a run that `keep` would not have kept without it carries `runtrace.run.sampling_ratio`.
 *
 * @param traceId 32 hex digits.
 * @param ratio From 0 (none) to 1 (all).
 * @throws TypeError if `traceId` is not a trace id, or `ratio` not a number from 0 to 1.
 * @see https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 * @example keep: (run) => run.status !== 'completed' || sampledByTraceId(run.traceId, 0.05)
 */
export function sampledByTraceId(traceId: string, ratio: number): boolean {
  if (typeof traceId !== 'string' || !/^[0-9a-f]{32}$/i.test(traceId)) {
    throw badOption('traceId', '32 hex digits', traceId);
  }
  if (ratio === undefined) throw badOption('ratio', 'a number from 0 to 1', ratio);
  checkNumber(ratio, 'ratio', 0, 1);
  const randomness = BigInt(`0x${traceId.slice(-RANDOM_DIGITS)}`);
  // A double holds 2^56 and this product exactly enough: what is rounded off is less than one in 2^52.
  const isSampled = randomness >= BigInt(Math.round((1 - ratio) * RANDOM_VALUES));
  if (!current) return isSampled;
  current.largestRatio = Math.max(current.largestRatio, ratio);
  current.isSampled ||= isSampled;
  return isSampled && current.sampling === 'on';
}

/**
 * Asks `keep`. What it returns is the decision. Only if it kept the run and `sampledByTraceId` said yes meanwhile, it is asked
 * again with `sampledByTraceId` saying no: if it then would not keep the run, only the sampling kept it, and its ratio is the
 * largest that was asked for.
 *
 * If `keep` throws, or returns something else than a boolean, the run is kept, and that is reported.
 */
export function decide(keep: Keep, run: SettledRun): KeepDecision {
  const asked = evaluate(keep, run, 'on');
  if (asked.answer === undefined) return { isKept: true };
  if (!asked.answer || !asked.isSampled) return { isKept: asked.answer };
  const without = evaluate(keep, run, 'off');
  if (without.answer !== false) return { isKept: true };
  return { isKept: true, samplingRatio: Math.max(asked.largestRatio, without.largestRatio) };
}

function evaluate(keep: Keep, run: SettledRun, sampling: Evaluation['sampling']): Evaluation {
  const evaluation: Evaluation = { sampling, largestRatio: 0, isSampled: false, answer: undefined };
  // `keep` may end another run, whose `keep` is then called inside of it.
  const outer = current;
  current = evaluation;
  guarded('keep threw; the run is kept', () => {
    evaluation.answer = checkedAnswer(keep(run));
  });
  current = outer;
  return evaluation;
}

/** A promise, or `undefined` for a forgotten `return`, is no decision. */
function checkedAnswer(answer: unknown): boolean | undefined {
  if (typeof answer === 'boolean') return answer;
  report('keep did not return a boolean; the run is kept');
  // Nothing else would handle its rejection.
  if (answer instanceof Promise) answer.catch(() => {});
  return undefined;
}
