import { unwatchWorkers, watchWorkers } from './worker-threads.js';

/** Something that holds spans when the process ends. */
export interface Saver {
  /** The process has nothing else to do: asynchronous work is still possible. */
  beforeExit(): void;
  /** The process ends now, by itself, by `process.exit()` or by an uncaught error: only synchronous work is possible. */
  exit(): void;
}

const savers = new Set<Saver>();

/** Calls the saver when the process ends without a shutdown. One listener, however many savers there are. */
export function saveAtExit(saver: Saver): void {
  if (savers.size === 0) {
    process.on('beforeExit', beforeExit);
    process.on('exit', exit);
    watchWorkers();
  }
  savers.add(saver);
}

export function forgetAtExit(saver: Saver): void {
  savers.delete(saver);
  if (savers.size > 0) return;
  process.off('beforeExit', beforeExit);
  process.off('exit', exit);
  unwatchWorkers();
}

function beforeExit(): void {
  for (const saver of newestFirst()) saver.beforeExit();
}

function exit(): void {
  for (const saver of newestFirst()) saver.exit();
}

/** A saver may hand its spans to one that was made before it. */
function newestFirst(): Saver[] {
  return [...savers].reverse();
}
