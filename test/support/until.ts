/** Waits for something that no event tells of. */
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MILLIS = 10_000;

/** Resolves when `condition` holds; rejects when it doesn't within ten seconds, or within `patienceMillis`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  patienceMillis = PATIENCE_MILLIS,
): Promise<void> {
  const deadline = performance.now() + patienceMillis;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMillis} ms in vain for ${condition}`);
    await sleep(2);
  }
}
