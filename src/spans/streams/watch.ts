import { type Context, context } from '@opentelemetry/api';
import { guarded, report } from '../../util/diagnostics.js';

/** How a stream ended: read to its end, left by its consumer, or broken. */
export type TailEnd =
  /** `unseen`: by a reader that can't be watched. */
  | { how: 'ended'; unseen?: boolean }
  /** `closing` settles when the source is closed. */
  | { how: 'cancelled'; reason?: unknown; closing?: Promise<unknown> }
  | { how: 'broke'; error: unknown };

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
  /** A consumer read this value. It must not be kept if it is a buffer, because that belongs to the consumer. */
  onValue?(value: unknown): void;
}

interface Result {
  done?: boolean | undefined;
  value?: unknown;
}

/**
 * The state of a watched stream: its branches, how many reads wait for more, since when none does, and whether it has ended. How a stream is
 * watched depends on its kind: each is a file beside this one.
 */
export class Watch implements Tail {
  readonly #context: Context | undefined;
  #iterators: WeakSet<object> | undefined;
  #branchOf: WeakMap<object, Branch> | undefined;
  #branches = 0;
  #idleSince: number | undefined = performance.now();
  #begun = false;
  #waiting = 0;
  #events: WatchEvents | undefined;

  /** `ctx`: the context of the scope that returned the stream. The source of a body is the connection, which belongs to no scope. */
  constructor(events: WatchEvents, ctx?: Context) {
    this.#events = events;
    this.#context = ctx;
  }

  idleSince(): number | undefined {
    return this.#idleSince;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Whether a read waits for more. */
  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** Whether `iterator` is not watched yet. */
  isNew(iterator: object): boolean {
    this.#iterators ??= new WeakSet();
    if (this.#iterators.has(iterator)) return false;
    this.#iterators.add(iterator);
    return true;
  }

  /** The branch that `stream` is, if it is watched. */
  branchOf(stream: object): Branch | undefined {
    return this.#branchOf?.get(stream);
  }

  /** `stream` is watched from now on, as a branch. */
  branch(stream: object): Branch {
    const branch = new Branch(this);
    this.#branchOf ??= new WeakMap();
    this.#branchOf.set(stream, branch);
    return branch;
  }

  /** Calls a method of the stream in the context of the scope that returned the stream. */
  call<T>(fn: () => T): T {
    return this.#context ? context.with(this.#context, fn) : fn();
  }

  /** The stream has one more branch that may be left. */
  branched(): void {
    this.#branches++;
  }

  /** A branch is over: it was left, or goes on in branches of its own. Returns whether it was the last one. */
  branchOver(): boolean {
    return --this.#branches === 0;
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
    try {
      this.#events?.onValue?.(value);
    } catch (error) {
      report(UNWATCHED, error);
    }
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
    const events = this.#events;
    this.#events = undefined;
    guarded(UNWATCHED, () => events?.onEnd(end));
    // A read that waits may never settle.
    this.#idleSince ??= performance.now();
  }
}

/** The report for a stream of which what happens to it could not be recorded. */
const UNWATCHED = 'a stream could not be observed';

/** A watched stream, or one of the branches that a clone or `tee()` makes of it. */
export class Branch {
  readonly watch: Watch;
  #isOpen = true;

  constructor(watch: Watch) {
    this.watch = watch;
    watch.branched();
  }

  /** Whether it was neither left nor split. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Its consumer leaves it. The stream is left with its last branch. */
  leave(end: TailEnd = { how: 'cancelled' }): void {
    if (this.#close()) this.watch.end(end);
  }

  /** It goes on in other branches, which are watched already. */
  split(): void {
    this.#close();
  }

  /** Returns whether no branch is left. */
  #close(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    return this.watch.branchOver();
  }
}

/** Puts a method of runtrace in the place of one of a stream's own. */
export function define(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
}
