import { type Context, context } from '@opentelemetry/api';
import { guarded } from '../../util/diagnostics.js';

/** How a stream ended: read to its end, left by its consumer, or broken. */
export type TailEnd = { how: 'ended' } | { how: 'cancelled' } | { how: 'broke'; error: unknown };

/** A stream that a scope returned, and that has not ended. */
export interface Tail {
  /** Since when no consumer waits for more of it, in `performance.now()` time; `undefined` while one does. */
  idleSince(): number | undefined;
  /** Whether a consumer has read of it. Some runtimes read a Response natively, which can't be watched. */
  readonly begun: boolean;
}

/** What observes a watched stream. */
export interface WatchEvents {
  /** The stream ended. Called once. */
  onEnd(end: TailEnd): void;
  /** A consumer read this value. */
  onValue?(value: unknown): void;
}

interface Result {
  done?: boolean | undefined;
  value?: unknown;
}

/** The state of a watched stream: how many reads wait for more, since when none does, and whether it has ended. */
export class Watch implements Tail {
  readonly #context: Context;
  readonly #seen = new WeakSet<object>();
  #idleSince: number | undefined = performance.now();
  #begun = false;
  #waiting = 0;
  #events: WatchEvents | undefined;

  constructor(events: WatchEvents, ctx: Context) {
    this.#events = events;
    this.#context = ctx;
  }

  idleSince(): number | undefined {
    return this.#idleSince;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Whether `part`, an iterator or a branch of the stream, is not watched yet. */
  isNew(part: object): boolean {
    if (this.#seen.has(part)) return false;
    this.#seen.add(part);
    return true;
  }

  /** Calls a method of the stream in the context of the scope that returned the stream. */
  call<T>(fn: () => T): T {
    return context.with(this.#context, fn);
  }

  /** A consumer waits for more. */
  waits(): void {
    this.#begun = true;
    this.#waiting++;
    this.#idleSince = undefined;
  }

  /** A consumer that waited does not wait any more. */
  waitsNoMore(): void {
    if (--this.#waiting === 0) this.#idleSince = performance.now();
  }

  /** A consumer reads `value`. */
  value(value: unknown): void {
    if (this.#events?.onValue) guarded(UNWATCHED, () => this.#events?.onValue?.(value));
  }

  /**
   * Watches one `next()` or `read()`. `broke` tells whether a rejection is the end of the stream. The consumer gets the returned promise, so
   * that a rejection which the consumer does not handle stays unhandled.
   */
  step<T extends Result>(pending: Promise<T>, broke: () => boolean = () => true): Promise<T> {
    this.waits();
    return pending.then(
      (result) => {
        this.waitsNoMore();
        if (result?.done) this.end({ how: 'ended' });
        else this.value(result?.value);
        return result;
      },
      (error) => {
        this.waitsNoMore();
        if (broke()) this.end({ how: 'broke', error });
        throw error;
      },
    );
  }

  /** Watches something that reads the stream to its end by itself. If it fails, `judge` tells how the stream ended, if it did. */
  drain(pending: Promise<void>, judge: (error: unknown) => Promise<TailEnd | undefined>): Promise<void> {
    this.waits();
    return pending.then(
      () => this.end({ how: 'ended' }),
      (error) => {
        judge(error).then((end) => (end ? this.end(end) : this.waitsNoMore()));
        throw error;
      },
    );
  }

  readonly cancelled = (): void => this.end({ how: 'cancelled' });

  end(end: TailEnd): void {
    this.#idleSince = performance.now();
    const events = this.#events;
    this.#events = undefined;
    guarded(UNWATCHED, () => events?.onEnd(end));
  }
}

const UNWATCHED = 'the end of a stream could not be recorded';

/** Puts a method of runtrace in the place of one of a stream's own. */
export function define(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
}
