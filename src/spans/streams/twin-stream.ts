import { StreamBetween } from './stream-between.js';
import { define, type Watch } from './watch.js';

/** All methods that read or end a stream. */
const METHODS = ['getReader', 'pipeThrough', 'pipeTo', 'tee', 'cancel', 'values', Symbol.asyncIterator] as const;

/**
 * Watches the values of a stream, also where a pipe reads it. The object stays the same, but its methods are those of a twin, which is a
 * stream between it and its consumer. The twin is made at the first call of a method.
 */
export function watchValues(stream: ReadableStream<unknown>, watch: Watch): void {
  const getReader = stream.getReader.bind(stream);
  const source = { getReader } as ReadableStream<unknown>;
  let twin: ReadableStream | undefined;
  const makeTwin = () => {
    const between = new StreamBetween(watch);
    const made = between.make(false);
    between.take(source);
    return made;
  };
  const methods = stream as unknown as Record<PropertyKey, unknown>;
  for (const name of METHODS) {
    if (typeof methods[name] !== 'function') continue;
    define(stream, name, (...args: unknown[]) => {
      twin ??= makeTwin();
      const method = (twin as unknown as Record<PropertyKey, unknown>)[name] as (...args: unknown[]) => unknown;
      return method.apply(twin, args);
    });
  }
}
