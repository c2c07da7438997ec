/** What has something to save when the process ends. */
interface Saver {
  /** The event loop has nothing more to do: a last chance for asynchronous work. */
  beforeExit(): void;
  /** The last moment: only synchronous work. */
  exit(): void;
}

const savers = new Set<Saver>();

/** Calls `saver` when the process ends without a shutdown. One pair of listeners, however many there are. */
export function saveAtExit(saver: Saver): void {
  if (savers.size === 0) process.on('beforeExit', beforeExit).on('exit', exit);
  savers.add(saver);
}

export function forgetAtExit(saver: Saver): void {
  savers.delete(saver);
  if (savers.size === 0) process.off('beforeExit', beforeExit).off('exit', exit);
}

function beforeExit(): void {
  for (const saver of savers) saver.beforeExit();
}

function exit(): void {
  for (const saver of savers) saver.exit();
}
