import { guarded } from '../util/diagnostics.js';

/** What is told of a stream of parts as its consumer reads it. */
export interface PartObserver {
  /** The consumer waits for the next part. */
  pulling(): void;
  part(part: unknown): void;
  /** It was read to its end. */
  ended(): void;
  broke(error: unknown): void;
  /** The consumer cancelled it. */
  cancelled(): void;
}

/** All that a stream can be read by. */
const METHODS = ['getReader', 'pipeThrough', 'pipeTo', 'tee', 'cancel', 'values', Symbol.asyncIterator] as const;

/**
 * Shows the parts of a stream to `observer`: each is read when the consumer asks for it, so nothing is buffered, delayed or reordered. The
 * stream is the very same object, whose methods are those of its twin.
 */
export function observeParts(stream: ReadableStream<unknown>, observer: PartObserver): void {
  const getReader = stream.getReader.bind(stream);
  let twin: ReadableStream<unknown> | undefined;
  const methods = stream as unknown as Record<PropertyKey, unknown>;
  for (const name of METHODS) {
    if (typeof methods[name] !== 'function') continue;
    const value = (...args: unknown[]) => {
      twin ??= twinOf(getReader(), observer);
      const method = (twin as unknown as Record<PropertyKey, unknown>)[name] as (...args: unknown[]) => unknown;
      return method.apply(twin, args);
    };
    Object.defineProperty(stream, name, { value, configurable: true, writable: true });
  }
}

function twinOf(reader: ReadableStreamDefaultReader<unknown>, observer: PartObserver): ReadableStream<unknown> {
  const show = (fn: () => void) => guarded('a stream of parts could not be observed', fn);
  let cancelled = false;
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        show(() => observer.pulling());
        try {
          const { done, value } = await reader.read();
          if (cancelled) return;
          show(() => (done ? observer.ended() : observer.part(value)));
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          show(() => observer.broke(error));
          throw error;
        }
      },
      cancel(reason) {
        cancelled = true;
        show(() => observer.cancelled());
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
