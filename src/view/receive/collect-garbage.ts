import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How many bytes of requests are read between two collections. */
const BYTES_BETWEEN = 8 * 1024 * 1024;

/**
 * Makes a function that gets the size of each request that was read, and collects the garbage from time to time. By itself, V8 lets
 * the buffers and texts of past requests grow to far more than `--memory`. Only a process of its own may do this: the collection blocks it.
 */
export function garbageCollector(): (requestBytes: number) => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let bytes = 0;
  return (requestBytes) => {
    bytes += requestBytes;
    if (bytes < BYTES_BETWEEN) return;
    bytes = 0;
    // After the answer was sent, and what was read has left the stack.
    setImmediate(collect);
  };
}
