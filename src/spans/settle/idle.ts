import type { Limits } from '../../capture/levels.js';

/** How active one thing is that a run or step waits for: data, from which `idleAt` decides. */
export interface Activity {
  /** Since when nothing has happened, in `performance.now()` time; `undefined` while it waits for the network or for application code. */
  readonly idleSince: number | undefined;
  /** How long that may last, in milliseconds. */
  readonly limitMillis: number;
}

/** Of what is over: a run asks each of its held steps. */
export const NO_ACTIVITIES: readonly Activity[] = [];

/**
 * The one rule for idle operations: when the last of `activities` is idle, in `performance.now()` time.
 *
 * Each is idle once nothing has happened in it for its limit, counted from `notBefore` at the earliest (the time at which its run was
 * over). `Infinity` while one of them waits for the network or for application code; `-Infinity` if there is none to wait for.
 */
export function idleAt(activities: Iterable<Activity>, notBefore: number): number {
  let latest = Number.NEGATIVE_INFINITY;
  for (const { idleSince, limitMillis } of activities) {
    if (idleSince === undefined) return Number.POSITIVE_INFINITY;
    latest = Math.max(latest, Math.max(idleSince, notBefore) + limitMillis);
  }
  return latest;
}

/** How active a call, or a stream that was returned, is. A reader that has begun may pause for longer than a body may stay unread. */
export function activityOf(idleSince: number | undefined, isBeingRead: boolean, limits: Limits): Activity {
  return { idleSince, limitMillis: isBeingRead ? limits.pausedMillis : limits.idleMillis };
}
