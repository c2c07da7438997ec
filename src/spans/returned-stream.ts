/**
 * A scope may return a stream, or a Response with a body, that outlives it. runtrace hands on the same object and watches it through its
 * own methods while its consumer reads it. These methods run in the scope's context: the calls that a generator makes belong to the run
 * that returned it, not to the code that iterates over it.
 */
import { context } from '@opentelemetry/api';
import { watchIterable } from './streams/iterable.js';
import { isNodeReadable, watchReadable } from './streams/node-stream.js';
import { type Tail, type TailEnd, Watch } from './streams/watch.js';
import { watchClones, watchStream } from './streams/web-stream.js';

export type { Tail, TailEnd };

/** How often one object is watched: runs and steps may pass a stream on. A shared queue or cursor, returned more often, is not watched. */
const MAX_WATCHES = 8;
const watchesOf = new WeakMap<object, number>();

/**
 * Watches `value` if it is a web stream, a Readable of Node, an async iterable or a Response with a body; else returns `undefined`.
 * `onEnd` is called once, when it has ended.
 */
export function watchReturned(value: unknown, onEnd: (end: TailEnd) => void): Tail | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const response = isResponse(value) ? value : undefined;
  const stream = response ? response.body : value;
  if (stream === null || response?.bodyUsed) return undefined;
  const watches = watchesOf.get(stream) ?? 0;
  if (watches === MAX_WATCHES) return undefined;
  const watch = new Watch({ onEnd }, context.active());
  try {
    if (stream instanceof ReadableStream) {
      if (stream.locked) return undefined;
      watchStream(stream, watch);
      if (typeof response?.clone === 'function') watchClones(response, watch);
    } else if (isNodeReadable(stream)) {
      if (stream.destroyed || stream.readableEnded) return undefined;
      watchReadable(stream, watch);
    } else if (Symbol.asyncIterator in stream) watchIterable(stream as AsyncIterable<unknown>, watch);
    else return undefined;
    watchesOf.set(stream, watches + 1);
    return watch;
  } catch {
    // A frozen object can't be watched. The attempts alone tell how its calls ended.
  }
  return undefined;
}

/** By its tag, because servers replace the global class (`@hono/node-server`), and `undici` has one of its own. */
function isResponse(value: object): value is Response {
  return (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Response';
}
