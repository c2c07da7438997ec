/**
 * The settle engine: what is held, until when.
 *
 * Everything that waits (a finished step for a retry, a run for its calls, the oldest run for its maximum age) is a `Deadline` in buckets of
 * time. One timer for the whole process fires at the earliest bucket. Scheduling and cancelling are O(1).
 */
import { outsideContext } from '../../otel/root-context.js';
import { unref } from '../../otel/unref.js';
import { guarded } from '../../util/diagnostics.js';

/** Something to be done later, at most once. */
export interface Deadline {
  /** Called when the deadline has passed. */
  due(): void;
  /** The bucket that holds the deadline, and the index in it. Only the engine sets them. */
  bucket?: Bucket | undefined;
  place?: number;
}

/** Deadlines that are due at the same time. */
export interface Bucket {
  /** The bucket is due at `number * BUCKET_MILLIS`, in `performance.now()` time. */
  readonly number: number;
  /** Unordered: cancelling moves the last one into the freed place, which costs half as much as a Set. */
  readonly waiting: Deadline[];
}

const BUCKET_MILLIS = 20;
/** The longest delay of `setTimeout`; it fires at once for a longer one. */
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;
const buckets = new Map<number, Bucket>();
let timer: ReturnType<typeof setTimeout> | undefined;
let armedFor = Number.POSITIVE_INFINITY;
/** A timer that is later than this was held up: code blocked the event loop, or the process was frozen. */
const HELD_UP_MILLIS = 100;
/** How much later it fires then, at most. */
const MOST_GIVEN_MILLIS = 1000;
/** Whether it was given more time, after it was held up. */
let wasHeldUp = false;

/** Calls `deadline.due()` `millis` after `now`, or up to 20 ms later. Replaces what the deadline was scheduled for before. */
export function schedule(deadline: Deadline, millis: number, now = performance.now()): void {
  cancel(deadline);
  const number = bucketAt(now + millis);
  const bucket = buckets.get(number) ?? { number, waiting: [] };
  if (bucket.waiting.length === 0) buckets.set(number, bucket);
  deadline.bucket = bucket;
  deadline.place = bucket.waiting.push(deadline) - 1;
  if (number < armedFor) arm(number, now);
  // On edge runtimes a timer dies with the request that made it: one that is overdue by a second is replaced by the next call.
  else if (lateAt(now) > MOST_GIVEN_MILLIS) arm(Math.min(number, bucketAt(now + MOST_GIVEN_MILLIS)), now);
}

/** Removes a deadline, if it is scheduled. */
export function cancel(deadline: Deadline): void {
  const { bucket } = deadline;
  if (bucket === undefined) return;
  deadline.bucket = undefined;
  const { number, waiting } = bucket;
  // `fire` has removed the bucket and checks each deadline before it calls it.
  if (buckets.get(number) !== bucket) return;
  const last = waiting.pop() as Deadline;
  if (last !== deadline) {
    last.place = deadline.place as number;
    waiting[last.place] = last;
  }
  if (waiting.length === 0) buckets.delete(number);
}

function bucketAt(time: number): number {
  return Math.ceil(time / BUCKET_MILLIS);
}

/** How late the timer is. */
function lateAt(now: number): number {
  return now - armedFor * BUCKET_MILLIS;
}

function arm(bucket: number, now: number): void {
  clearTimeout(timer);
  armedFor = bucket;
  const millis = Math.min(Math.max(0, bucket * BUCKET_MILLIS - now), MAX_TIMEOUT_MILLIS);
  timer = unref(outsideContext(() => setTimeout(fire, millis)));
}

/** What arrived while the timer was held up has not been seen yet: a read, a retry. So that gets as long again, once. */
function fire(): void {
  const now = performance.now();
  const late = lateAt(now);
  wasHeldUp = !wasHeldUp && late > HELD_UP_MILLIS;
  if (wasHeldUp) {
    timer = unref(outsideContext(() => setTimeout(fire, Math.min(late, MOST_GIVEN_MILLIS))));
    return;
  }
  armedFor = Number.POSITIVE_INFINITY;
  let next = Number.POSITIVE_INFINITY;
  for (const bucket of buckets.values()) {
    const { number, waiting } = bucket;
    if (number * BUCKET_MILLIS > now) {
      if (number < next) next = number;
      continue;
    }
    buckets.delete(number);
    for (const deadline of waiting) {
      // An earlier one may have cancelled or rescheduled it.
      if (deadline.bucket !== bucket) continue;
      deadline.bucket = undefined;
      guarded('settling failed', () => deadline.due());
    }
  }
  // A `due` may have scheduled something and armed the timer for it.
  if (next < armedFor) arm(next, now);
}

/** A run, as the limit on open runs uses it. */
export interface Open {
  /** Ends the run now, as `interrupted`. */
  endEarly(why: string): void;
}

let openRuns = 0;

/** Whether any recorder has an open run. */
export function isRunOpen(): boolean {
  return openRuns > 0;
}

/** The open runs of one recorder, oldest first: no more than `maxRuns`, none older than `maxMillis`. */
export class OpenRuns {
  readonly #openedAt = new Map<Open, number>();
  readonly #maxRuns: number;
  readonly #maxMillis: number;
  readonly #sweep: Deadline = { due: () => this.#endOld() };

  constructor(maxRuns: number, maxMillis: number) {
    this.#maxRuns = maxRuns;
    this.#maxMillis = maxMillis;
  }

  add(run: Open): void {
    if (!this.#openedAt.has(run)) openRuns++;
    this.#openedAt.set(run, performance.now());
    if (this.#openedAt.size > this.#maxRuns) {
      const [oldest] = this.#openedAt.keys();
      oldest?.endEarly('more runs are open than limits.openRuns; the oldest was ended early');
    }
    if (this.#sweep.bucket === undefined) schedule(this.#sweep, this.#maxMillis);
  }

  delete(run: Open): void {
    if (this.#openedAt.delete(run)) openRuns--;
    if (this.#openedAt.size === 0) cancel(this.#sweep);
  }

  #endOld(): void {
    for (const [run, openedAt] of this.#openedAt) {
      const left = openedAt + this.#maxMillis - performance.now();
      if (left > 0) {
        schedule(this.#sweep, left);
        return;
      }
      run.endEarly('a run was open for longer than limits.runMillis and was ended early');
    }
  }
}
