/**
 * What a scope returns may go on after it: a stream, or a Response with a body. It is handed on as it is, the very same object, and
 * watched through its own methods while its consumer reads it. Whatever is asked of it runs in the scope's context: the calls that a
 * generator makes are those of the run that returned it, not of whoever iterates over it.
 */
import { type Context, context } from '@opentelemetry/api';
import { guarded } from '../util/diagnostics.js';

/** How a returned stream ended. */
export type TailEnd = { how: 'ended' } | { how: 'cancelled' } | { how: 'broke'; error: unknown };

/** A returned stream that has not ended. */
export interface Tail {
  /** Since when nobody is waiting for it to go on, in `performance.now()` time; `undefined` while somebody is. */
  idleSince(): number | undefined;
  /** Whether anybody has read of it. Some runtimes read a Response by ways of their own, which can't be watched. */
  readonly begun: boolean;
}

/** Runs and steps may hand a stream on from one to the other. What is returned again and again, a queue or a cursor, is nobody's. */
const MAX_WATCHES = 8;
const watchesOf = new WeakMap<object, number>();

/**
 * Watches `value` if it is a stream, an async iterable or a Response with a body; else returns `undefined`.
 * `onEnd` is called once, when it has ended.
 */
export function watchReturned(value: unknown, onEnd: (end: TailEnd) => void): Tail | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const response = isResponse(value) ? value : undefined;
  const stream = response ? response.body : value;
  if (stream === null || response?.bodyUsed) return undefined;
  const watches = watchesOf.get(stream) ?? 0;
  if (watches === MAX_WATCHES) return undefined;
  const watch = new Watch(onEnd, context.active());
  try {
    if (stream instanceof ReadableStream) {
      if (stream.locked) return undefined;
      watchStream(stream, watch);
      if (typeof response?.clone === 'function') watchClones(response, watch, watch.cancelled);
    } else if (Symbol.asyncIterator in stream) watchIterable(stream as AsyncIterable<unknown>, watch);
    else return undefined;
    watchesOf.set(stream, watches + 1);
    return watch;
  } catch {
    // Frozen, or otherwise not to be watched: the wire tells the rest.
  }
  return undefined;
}

/** By its tag: servers put a class of their own in the place of the global one (`@hono/node-server`), and `undici` has one. */
function isResponse(value: object): value is Response {
  return (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Response';
}

class Watch implements Tail {
  readonly #context: Context;
  readonly #seen = new WeakSet<object>();
  #idleSince: number | undefined = performance.now();
  #begun = false;
  #waiting = 0;
  #onEnd: ((end: TailEnd) => void) | undefined;

  constructor(onEnd: (end: TailEnd) => void, ctx: Context) {
    this.#onEnd = onEnd;
    this.#context = ctx;
  }

  idleSince(): number | undefined {
    return this.#idleSince;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Whether this is seen for the first time. */
  isNew(part: object): boolean {
    if (this.#seen.has(part)) return false;
    this.#seen.add(part);
    return true;
  }

  /** Calls a method of the stream's. */
  call<T>(fn: () => T): T {
    return context.with(this.#context, fn);
  }

  /**
   * Observes one `next()` or `read()`; `broke` judges whether a rejection is the stream's end. What it returns is for the consumer: a
   * rejection that he doesn't handle is to stay unhandled.
   */
  step<T extends { done?: boolean | undefined }>(pending: Promise<T>, broke: () => boolean = () => true): Promise<T> {
    this.#begin();
    return pending.then(
      (result) => {
        if (result?.done) this.end({ how: 'ended' });
        else this.#stepped();
        return result;
      },
      (error) => {
        if (broke()) this.end({ how: 'broke', error });
        else this.#stepped();
        throw error;
      },
    );
  }

  /** Likewise something that takes the stream to its end by itself; if it fails, `judge` says how the stream ended, if it did. */
  drain(pending: Promise<void>, judge: (error: unknown) => Promise<TailEnd | undefined>): Promise<void> {
    this.#begin();
    return pending.then(
      () => this.end({ how: 'ended' }),
      (error) => {
        judge(error).then((end) => (end ? this.end(end) : this.#stepped()));
        throw error;
      },
    );
  }

  readonly cancelled = (): void => this.end({ how: 'cancelled' });

  end(end: TailEnd): void {
    this.#idleSince = performance.now();
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    guarded('the end of a returned stream could not be recorded', () => onEnd?.(end));
  }

  #begin(): void {
    this.#begun = true;
    this.#waiting++;
    this.#idleSince = undefined;
  }

  #stepped(): void {
    if (--this.#waiting === 0) this.#idleSince = performance.now();
  }
}

function define(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
}

function watchIterable(iterable: AsyncIterable<unknown>, watch: Watch): void {
  if (typeof (iterable as Partial<AsyncIterator<unknown>>).next === 'function') {
    watchIterator(iterable as unknown as AsyncIterator<unknown>, watch);
    return;
  }
  const iterate = iterable[Symbol.asyncIterator];
  define(iterable, Symbol.asyncIterator, function (this: AsyncIterable<unknown>) {
    const iterator = watch.call(() => iterate.call(this));
    watchIterator(iterator, watch);
    return iterator;
  });
}

function watchIterator(iterator: AsyncIterator<unknown>, watch: Watch): void {
  // Some iterables have one iterator for all.
  if (!watch.isNew(iterator)) return;
  const { next, return: close, throw: fail } = iterator;
  define(iterator, 'next', (...args: [] | [unknown]) =>
    observeResult(
      watch.call(() => next.apply(iterator, args)),
      watch,
    ),
  );
  if (close) {
    define(iterator, 'return', (value?: unknown) => {
      watch.end({ how: 'cancelled' });
      return watch.call(() => close.call(iterator, value));
    });
  }
  if (fail) {
    // What is thrown into a generator may be caught there, and it goes on.
    define(iterator, 'throw', (error?: unknown) =>
      observeResult(
        watch.call(() => fail.call(iterator, error)),
        watch,
      ),
    );
  }
}

/** An iterator that gives no promise is not ours to judge. */
function observeResult<T extends { done?: boolean | undefined }>(result: Promise<T>, watch: Watch): Promise<T> {
  return typeof (result as Promise<T> | undefined)?.then === 'function' ? watch.step(result) : result;
}

/** The first branch that is read to its end has seen all of the source, which is cancelled only when both branches are. */
function watchBranches(
  branches: Iterable<ReadableStream<unknown> | null>,
  watch: Watch,
  onCancel: () => unknown,
): () => void {
  let left = 0;
  const onCancelOfOne = () => {
    if (--left === 0) onCancel();
  };
  for (const branch of branches) {
    left++;
    if (branch && watch.isNew(branch)) watchStream(branch, watch, onCancelOfOne);
  }
  return onCancelOfOne;
}

/** Some platforms clone by ways of their own, and not by the body's `tee()`. */
function watchClones(response: Response, watch: Watch, onCancel: () => unknown): void {
  const methods = {
    clone() {
      const copy: Response = super.clone.call(response);
      const onCancelOfOne = watchBranches([response.body, copy.body], watch, onCancel);
      for (const one of [response, copy]) watchClones(one, watch, onCancelOfOne);
      return copy;
    },
  };
  // As a property of its own it would show.
  Object.setPrototypeOf(response, Object.setPrototypeOf(methods, Object.getPrototypeOf(response)));
}

function watchStream(stream: ReadableStream<unknown>, watch: Watch, onCancel: () => unknown = watch.cancelled): void {
  const { getReader, pipeTo, pipeThrough, tee, cancel } = stream;
  const watchReader = (options?: unknown) => {
    const reader = getReader.call(stream, options as undefined) as ReadableStreamDefaultReader<unknown>;
    const read = reader.read as (...args: unknown[]) => Promise<{ done: boolean }>;
    const { cancel: cancelReader, releaseLock } = reader;
    let released = false;
    let cancelled = false;
    // Node's own streams may read by ways of their own, and cancel what has broken already.
    reader.closed.then(
      () => (cancelled ? onCancel() : watch.end({ how: 'ended' })),
      (error) => {
        if (!released) watch.end({ how: 'broke', error });
      },
    );
    define(reader, 'read', (...args: unknown[]) =>
      watch.step(
        watch.call(() => read.apply(reader, args)),
        () => !released,
      ),
    );
    define(reader, 'cancel', (reason?: unknown) => {
      cancelled ||= !released;
      return cancelReader.call(reader, reason);
    });
    define(reader, 'releaseLock', () => {
      // What was still to be read by this reader is rejected, but the stream goes on.
      released = true;
      releaseLock.call(reader);
    });
    return reader;
  };
  const canPipe = (destination: unknown) =>
    destination instanceof WritableStream && !destination.locked && !stream.locked;
  const watchPipe = (destination: WritableStream<unknown>, options?: StreamPipeOptions) => {
    const piped = pipeTo.call(stream, destination, options);
    return watch.drain(piped, (error) => endOfPipe(() => getReader.call(stream), error));
  };
  define(stream, 'getReader', watchReader);
  // Where a pipe can't be, it fails as it always did.
  define(stream, 'pipeTo', (destination: WritableStream<unknown>, options?: StreamPipeOptions) =>
    canPipe(destination) ? watchPipe(destination, options) : pipeTo.call(stream, destination, options),
  );
  define(stream, 'pipeThrough', (pair: ReadableWritablePair<unknown, unknown>, options?: StreamPipeOptions) => {
    if (!canPipe(pair?.writable)) return pipeThrough.call(stream, pair, options);
    watchPipe(pair.writable, options).catch(() => {});
    return pair.readable;
  });
  define(stream, 'tee', () => {
    const branches = tee.call(stream);
    watchBranches(branches, watch, onCancel);
    return branches;
  });
  define(stream, 'cancel', (reason?: unknown) => {
    if (!stream.locked) onCancel();
    return cancel.call(stream, reason);
  });
  for (const name of ['values', Symbol.asyncIterator] as const) {
    const iterate = (stream as unknown as Record<PropertyKey, unknown>)[name];
    if (typeof iterate !== 'function') continue;
    define(stream, name, (...args: unknown[]) => {
      const iterator = iterate.apply(stream, args) as AsyncIterator<unknown>;
      watchIterator(iterator, watch);
      return iterator;
    });
  }
}

/** A pipe failed: with its source, or with its destination. Then the source was cancelled, or it lives on (`preventCancel`). */
async function endOfPipe(getReader: () => ReadableStreamReader<unknown>, error: unknown): Promise<TailEnd | undefined> {
  try {
    const reader = getReader();
    const { closed } = reader;
    reader.releaseLock();
    await closed;
    return { how: 'cancelled' };
  } catch (reason) {
    return reason === error ? { how: 'broke', error } : undefined;
  }
}
