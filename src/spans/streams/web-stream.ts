import { watchIterator } from './iterable.js';
import { type Branch, define, type TailEnd, type Watch } from './watch.js';

/** `from` goes on in `streams`. */
function watchBranches(streams: Iterable<ReadableStream<unknown> | null>, from: Branch): void {
  for (const stream of streams) if (stream) watchStream(stream, from.watch);
  from.split();
}

/** Watches the clones of a Response, because some platforms clone without the body's `tee()`. */
export function watchClones(response: Response, watch: Watch): void {
  const methods = {
    clone() {
      const branch = response.body && watch.branchOf(response.body);
      const copy: Response = super.clone.call(response);
      if (branch) watchBranches([response.body, copy.body], branch);
      for (const one of [response, copy]) watchClones(one, watch);
      return copy;
    },
  };
  // An own property would be visible.
  Object.setPrototypeOf(response, Object.setPrototypeOf(methods, Object.getPrototypeOf(response)));
}

/** Watches a web stream, or a branch of one, through its own methods. */
export function watchStream(stream: ReadableStream<unknown>, watch: Watch): void {
  if (watch.branchOf(stream)) return;
  const branch = watch.branch(stream);
  const { getReader, pipeTo, pipeThrough, tee, cancel } = stream;
  const watchReader = (options?: unknown) => {
    const reader = getReader.call(stream, options as undefined) as ReadableStreamDefaultReader<unknown>;
    const read = reader.read as (...args: unknown[]) => Promise<{ done: boolean }>;
    const { cancel: cancelReader, releaseLock } = reader;
    let released = false;
    let cancelled = false;
    // Node's own streams may read without `read()`, and cancel a stream that has broken.
    reader.closed.then(
      () => (cancelled ? branch.leave() : watch.end({ how: 'ended' })),
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
      // The reads that were pending are rejected, but the stream continues.
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
  // A pipe that is not possible fails as it does without runtrace.
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
    watchBranches(branches, branch);
    return branches;
  });
  define(stream, 'cancel', (reason?: unknown) => {
    if (!stream.locked) branch.leave();
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

/** A pipe failed, with its source or with its destination. In the second case the source was cancelled, or continues (`preventCancel`). */
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
