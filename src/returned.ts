/**
 * What a scope returns may go on after it: a stream, or a Response with a body. It is handed on as it is, the very same object, and
 * watched through its own methods while its consumer reads it.
 */

/** How a returned stream ended. */
export type TailEnd = { how: 'ended' } | { how: 'cancelled' } | { how: 'broke'; error: unknown };

/** A returned stream that has not ended. */
export interface Tail {
  /** Since when nobody is waiting for it to go on, in `performance.now()` time; `undefined` while somebody is. */
  idleSince(): number | undefined;
}

/**
 * Watches `value` if it is a stream, an async iterable or a Response with a body; else returns `undefined`.
 * `onEnd` is called once, when it has ended.
 */
export function watchReturned(value: unknown, onEnd: (end: TailEnd) => void): Tail | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const stream = typeof Response !== 'undefined' && value instanceof Response ? value.body : value;
  if (stream === null) return undefined;
  const watch = new Watch(onEnd);
  try {
    if (stream instanceof ReadableStream) return stream.locked ? undefined : watchStream(stream, watch);
    if (Symbol.asyncIterator in stream) return watchIterable(stream as AsyncIterable<unknown>, watch);
  } catch {
    // Frozen, or otherwise not to be watched: the wire tells the rest.
  }
  return undefined;
}

class Watch implements Tail {
  #idleSince: number | undefined = performance.now();
  #waiting = 0;
  #onEnd: ((end: TailEnd) => void) | undefined;

  constructor(onEnd: (end: TailEnd) => void) {
    this.#onEnd = onEnd;
  }

  idleSince(): number | undefined {
    return this.#idleSince;
  }

  /** Observes one `next()` or `read()`. */
  step<T extends { done?: boolean | undefined }>(pending: Promise<T>): Promise<T> {
    this.#waiting++;
    this.#idleSince = undefined;
    pending.then(
      ({ done }) => (done ? this.end({ how: 'ended' }) : this.#stepped()),
      (error) => this.end({ how: 'broke', error }),
    );
    return pending;
  }

  /** Observes something that takes the stream to its end by itself. */
  drain(pending: Promise<unknown>): void {
    this.#waiting++;
    this.#idleSince = undefined;
    pending.then(
      () => this.end({ how: 'ended' }),
      (error) => this.end({ how: 'broke', error }),
    );
  }

  end(end: TailEnd): void {
    this.#idleSince = performance.now();
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.(end);
  }

  #stepped(): void {
    if (--this.#waiting === 0) this.#idleSince = performance.now();
  }
}

function define(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
}

function watchIterable(iterable: AsyncIterable<unknown>, watch: Watch): Tail {
  if (typeof (iterable as Partial<AsyncIterator<unknown>>).next === 'function') {
    watchIterator(iterable as unknown as AsyncIterator<unknown>, watch);
    return watch;
  }
  const iterate = iterable[Symbol.asyncIterator];
  define(iterable, Symbol.asyncIterator, function (this: AsyncIterable<unknown>) {
    const iterator = iterate.call(this);
    watchIterator(iterator, watch);
    return iterator;
  });
  return watch;
}

function watchIterator(iterator: AsyncIterator<unknown>, watch: Watch): void {
  const { next, return: close, throw: fail } = iterator;
  define(iterator, 'next', (...args: [] | [unknown]) => {
    const result = next.apply(iterator, args);
    return isPromise(result) ? watch.step(result) : result;
  });
  if (close) {
    define(iterator, 'return', (value?: unknown) => {
      watch.end({ how: 'cancelled' });
      return close.call(iterator, value);
    });
  }
  if (fail) {
    define(iterator, 'throw', (error?: unknown) => {
      watch.end({ how: 'broke', error });
      return fail.call(iterator, error);
    });
  }
}

function isPromise<T>(value: unknown): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function';
}

function watchStream(
  stream: ReadableStream<unknown>,
  watch: Watch,
  onCancel: () => unknown = () => watch.end({ how: 'cancelled' }),
): Tail {
  const { getReader, pipeTo, tee, cancel } = stream;
  const watchReader = (options?: unknown) => {
    const reader = getReader.call(stream, options as undefined) as ReadableStreamDefaultReader<unknown>;
    const read = reader.read as (...args: unknown[]) => Promise<{ done: boolean }>;
    const cancelReader = reader.cancel;
    define(reader, 'read', (...args: unknown[]) => watch.step(read.apply(reader, args)));
    define(reader, 'cancel', (reason?: unknown) => {
      onCancel();
      return cancelReader.call(reader, reason);
    });
    return reader;
  };
  const watchPipe = (destination: WritableStream<unknown>, options?: StreamPipeOptions) => {
    const done = pipeTo.call(stream, destination, options);
    watch.drain(done);
    return done;
  };
  define(stream, 'getReader', watchReader);
  define(stream, 'pipeTo', watchPipe);
  define(stream, 'pipeThrough', (pair: ReadableWritablePair<unknown, unknown>, options?: StreamPipeOptions) => {
    watchPipe(pair.writable, options).catch(() => {});
    return pair.readable;
  });
  define(stream, 'tee', () => {
    const branches = tee.call(stream);
    // The first branch that is read to its end has seen all of the source, which is cancelled only when both branches are.
    let left = branches.length;
    for (const branch of branches) watchStream(branch, watch, () => --left === 0 && onCancel());
    return branches;
  });
  define(stream, 'cancel', (reason?: unknown) => {
    onCancel();
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
  return watch;
}
