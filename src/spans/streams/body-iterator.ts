/** What the iterator of a body tells of its reads. */
export interface Reads {
  /** A read waits for more. */
  begun(): void;
  /** A read has got its result, which is returned. */
  passed(result: ReadResult): ReadResult;
  /** A read has got none. */
  failed(): void;
  /** The consumer leaves the body, which cancels it. Returns what the consumer gets for `closing`. */
  cancelling<T>(closing: Promise<T>, reason: unknown): Promise<T>;
}

type ReadResult = ReadableStreamReadResult<unknown>;

/** An iterator of the platform. Its methods need no `this`. */
interface BodyIterator {
  next(): Promise<ReadResult>;
  return(value: unknown): Promise<ReadResult>;
}

/**
 * Lets an iterator of the platform tell of its reads, and returns it.
 *
 * A consumer gets what is read a microtask later than from the platform, which may have begun the next read by then. So what is asked for while a
 * read is pending waits here, as it does in Node 20 to 24: for what was asked for last, and for nothing once a pending read has its result.
 * https://github.com/nodejs/node/blob/v24.0.0/lib/internal/webstreams/readablestream.js
 */
export function watchBodyIterator<T extends object>(iterator: T, preventCancel: boolean, reads: Reads): T {
  const { next, return: leave } = iterator as BodyIterator;
  let last: Promise<ReadResult> | undefined;
  /** `asked`: more was asked for a moment ago. A read that has its result by then was not pending. */
  let state: 'open' | 'asked' | 'over' = 'open';
  const reopen = () => {
    if (state === 'asked') state = 'open';
  };
  const inTurn = (ask: () => Promise<ReadResult>) => {
    if (last && state === 'open') {
      state = 'asked';
      queueMicrotask(reopen);
    }
    last = last ? last.then(ask, ask) : ask();
    return last;
  };
  const settled = (isDone: boolean) => {
    if (state !== 'asked') last = undefined;
    if (isDone) state = 'over';
  };
  const passed = (result: ReadResult) => {
    settled(result.done);
    return reads.passed(result);
  };
  const failed = (error: unknown): never => {
    settled(true);
    reads.failed();
    throw error;
  };
  const read = () => {
    if (state === 'over') return next();
    reads.begun();
    return next().then(passed, failed);
  };
  return Object.assign(iterator, {
    next: () => inTurn(read),
    return: (value: unknown) => {
      const closing = inTurn(() => {
        state = 'over';
        return leave(value);
      });
      return preventCancel ? closing : reads.cancelling(closing, undefined);
    },
  });
}
