import { define, type Watch } from './watch.js';

/** Watches an async iterable, and each iterator that it gives. */
export function watchIterable(iterable: AsyncIterable<unknown>, watch: Watch): void {
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

/** Watches the iterator of a stream or an iterable. */
export function watchIterator(iterator: AsyncIterator<unknown>, watch: Watch): void {
  // Some iterables always return the same iterator.
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
    // A generator may catch what is thrown into it, and continue.
    define(iterator, 'throw', (error?: unknown) =>
      observeResult(
        watch.call(() => fail.call(iterator, error)),
        watch,
      ),
    );
  }
}

/** An iterator whose `next()` returns no promise is not watched. */
function observeResult<T extends { done?: boolean | undefined }>(result: Promise<T>, watch: Watch): Promise<T> {
  return typeof (result as Promise<T> | undefined)?.then === 'function' ? watch.step(result) : result;
}
