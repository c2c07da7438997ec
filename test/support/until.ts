/** Waits for something that no event tells of. */
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MILLIS = 10_000;

/** Resolves when `condition` holds; rejects when it doesn't within ten seconds, or within `patienceMillis`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  patienceMillis = PATIENCE_MILLIS,
): Promise<void> {
  const began = performance.now();
  while (!(await condition())) {
    const waited = performance.now() - began;
    if (waited > patienceMillis) throw new Error(`waited ${patienceMillis} ms in vain for ${condition}`);
    // What takes long is asked for less often: some conditions collect garbage, or ask a server.
    await sleep(Math.min(Math.max(waited / 10, 2), 20));
  }
}
