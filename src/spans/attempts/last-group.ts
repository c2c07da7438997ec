import type { TerminalStatus } from '../outcome/status.js';
import { outranks } from '../outcome/status.js';

/** An ended attempt, as far as it decides how its step or its call ended. */
export interface EndedAttempt {
  readonly number: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** How the attempt ended, taken alone. */
  readonly status: TerminalStatus;
  /** Whether content had begun to reach the application. */
  readonly contentBegan: boolean;
}

/**
 * The last group of attempts: attempts that overlap in time form a group, and so do those that overlap with one of them. An attempt that
 * starts when another ends does not overlap with it.
 */
export function lastGroup<T extends EndedAttempt>(attempts: readonly T[]): T[] {
  const inOrder = [...attempts].sort((a, b) => a.startedAt - b.startedAt || a.number - b.number);
  let group: T[] = [];
  let groupEnd = Number.NEGATIVE_INFINITY;
  for (const attempt of inOrder) {
    if (attempt.startedAt >= groupEnd) group = [];
    group.push(attempt);
    groupEnd = Math.max(groupEnd, attempt.endedAt);
  }
  return group;
}

/**
 * The attempt whose end decides: one of the last group.
 *
 * - A completed attempt decides for the other attempts of the same request, and for those that ended before content had begun to reach the
 *   application: a hedge whose loser was cancelled is `completed`.
 * - An attempt of another request that ended later than that decides itself: a stream that was stopped while a title was answered beside it
 *   is `interrupted`.
 * - Of several attempts that are left, the last one of each request counts; of those, the status with the highest priority, and of equal
 *   ones the attempt that ended last.
 */
export function decidingAttempt<T extends EndedAttempt>(
  attempts: readonly T[],
  isSameRequest: (a: T, b: T) => boolean,
): T | undefined {
  const group = lastGroup(attempts);
  if (group.length < 2) return group[0];
  const completed = group.filter(({ status }) => status === 'completed');
  const isCovered = (attempt: T) =>
    completed.length > 0 && (!attempt.contentBegan || completed.some((other) => isSameRequest(other, attempt)));
  const left = group.filter((attempt) => attempt.status !== 'completed' && !isCovered(attempt));
  if (left.length === 0) return last(completed);
  const lasts = left.filter((attempt) => last(left.filter((other) => isSameRequest(attempt, other))) === attempt);
  return lasts.reduce((best, attempt) => {
    if (outranks(best.status, attempt.status)) return best;
    return outranks(attempt.status, best.status) || isLater(attempt, best) ? attempt : best;
  });
}

function last<T extends EndedAttempt>(attempts: readonly T[]): T | undefined {
  let latest: T | undefined;
  for (const attempt of attempts) if (!latest || isLater(attempt, latest)) latest = attempt;
  return latest;
}

function isLater(a: EndedAttempt, b: EndedAttempt): boolean {
  return a.endedAt > b.endedAt || (a.endedAt === b.endedAt && a.number > b.number);
}
