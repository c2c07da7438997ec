/** Lets the process end before `timer` is due. The fake timers of a test may be numbers, which hold no process. */
export function unref<T>(timer: T): T {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}
