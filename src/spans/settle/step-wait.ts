import type { Limits } from '../../capture/levels.js';
import type { AttemptProgress, OutgoingRequest, Pending, PendingAttempt } from '../attempts/http-exchange.js';
import { maySendAgain } from '../attempts/resends.js';
import { appended, NO_ITEMS, remove } from '../outcome/short-list.js';
import type { Status } from '../outcome/status.js';
import { type Activity, activityOf } from './idle.js';

/** A retry is not expected later than ten seconds past the longest Retry-After. */
const RETRY_GRACE_MILLIS = 10_000;

/** What a step waits for: its open scopes and its attempts in flight, and after them a retry. */
export class StepWait {
  /** In the order in which they began. */
  #pending: Pending[] = NO_ITEMS;
  /** Those of them that were refused and whose body is still open. */
  #refused: PendingAttempt[] | undefined;
  #retryAfterMillis = 0;
  #lastActivityAt = performance.now();

  /** Whether a scope is open or an attempt in flight. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether nothing but responses in the background is pending. */
  get isInBackground(): boolean {
    return this.isPending && this.#pending.every(({ isInBackground }) => isInBackground);
  }

  /** When a scope or an attempt ended last, in `performance.now()` time. */
  get lastActivityAt(): number {
    return this.#lastActivityAt;
  }

  /** The last attempt that was refused, if nothing but the bodies of refused attempts is open. */
  get openRefusal(): PendingAttempt | undefined {
    return this.#pending.length === this.#refused?.length ? this.#refused.at(-1) : undefined;
  }

  /** What is known of the attempts in flight. */
  inFlight(): AttemptProgress[] {
    return this.#pending.flatMap((pending) => pending.progress?.() ?? []);
  }

  add(pending: Pending): void {
    this.#pending = appended(this.#pending, pending);
  }

  /** A scope has closed, or an attempt has ended. */
  remove(pending: Pending): void {
    remove(this.#pending, pending);
    if (this.#refused) remove(this.#refused, pending as PendingAttempt);
    this.#lastActivityAt = performance.now();
  }

  refused(live: PendingAttempt): void {
    this.#refused ??= [];
    this.#refused.push(live);
  }

  /** The provider asked to wait that long before a retry. */
  retryAfter(millis: number | undefined): void {
    this.#retryAfterMillis = Math.max(this.#retryAfterMillis, millis ?? 0);
  }

  /** Ends the refused attempts whose body is still open: all, or those that `retry` sends again. */
  concludeRefused(retry: OutgoingRequest | undefined): void {
    if (!this.#refused?.length) return;
    for (const live of [...this.#refused]) if (!retry || maySendAgain(live.outgoing, retry)) live.giveUp();
  }

  /** Ends what is still open. `at`: when it was stopped. Default: at its last activity. */
  giveUp(at: number | undefined): void {
    // The attempts before the scopes that they belong to.
    if (this.#pending.length > 0) for (const pending of [...this.#pending].reverse()) pending.giveUp(at);
  }

  /** What the run of the step waits for. Empty if nothing. */
  activities(limits: Limits): Activity[] {
    // A run that is over does not wait for responses in the background.
    if (this.isInBackground) return [];
    const activities: Activity[] = this.#pending.map((pending) =>
      activityOf(pending.idleSince(), pending.isBeingRead, limits),
    );
    activities.push({ idleSince: this.#lastActivityAt + this.#retryAfterMillis, limitMillis: limits.idleMillis });
    return activities;
  }

  /** How long a finished step is held, in milliseconds: for a late proposal if it is completed, else for a retry. */
  holdMillis(status: Status, { completedHoldMillis, retryHoldMillis }: Limits): number {
    if (status === 'completed') return completedHoldMillis;
    const retryMillis = this.#retryAfterMillis > 0 ? this.#retryAfterMillis + RETRY_GRACE_MILLIS : 0;
    return Math.max(retryHoldMillis, retryMillis);
  }
}
