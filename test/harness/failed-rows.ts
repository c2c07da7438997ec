import { appendFileSync } from 'node:fs';

/**
 * Tells CI which row failed, so that it runs only that row again: `row` is what the harness takes as its argument. Without the
 * environment variable FAILED_TESTS it does nothing.
 */
export function reportFailedRow(row: string, what: string): void {
  if (process.env.FAILED_TESTS) appendFileSync(process.env.FAILED_TESTS, `${row}\t${what.replaceAll(/\s+/g, ' ')}\n`);
}
