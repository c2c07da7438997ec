/**
 * `npm run test:browser`: the viewer's page in a real Chromium. Exits with 77, which counts as skipped, where there is none.
 *
 *     npm run test:browser              all
 *     npm run test:browser -- list      the files whose name has the word
 *
 * The files that measure (`*.measured.js`) run again in a new process if they failed, and fail only if they fail twice: another program
 * may have had the machine.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CHROMIUM } from './chromium.js';

if (!CHROMIUM) {
  console.log('0 passed, 0 failed, 1 skipped: there is no Chromium (Debian: apt-get install chromium)');
  process.exit(77);
}
const words = process.argv.slice(2);
const folder = import.meta.dirname;
const files = readdirSync(folder)
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .map((name) => join(folder, name));

let passed = 0;
let failed = 0;
run(files.filter((file) => file.endsWith('.browser.js')));
for (const file of files.filter((name) => name.endsWith('.measured.js'))) {
  const before = { passed, failed };
  if (run([file])) continue;
  ({ passed, failed } = before);
  run([file]);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** Whether all tests of the files passed. */
function run(these: readonly string[]): boolean {
  if (these.length === 0) return true;
  const options = ['--test', '--test-concurrency=1', '--test-timeout=400000', '--test-reporter=spec'];
  const { status, stdout } = spawnSync(process.execPath, [...options, ...these], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const count = (name: string) => Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(stdout)?.[1] ?? 0);
  passed += count('pass');
  failed += status === 0 ? 0 : Math.max(1, count('fail') + count('cancelled'));
  // The sums of all runs are at the end.
  console.log(stdout.replaceAll(/^ℹ .*\n/gm, ''));
  return status === 0;
}
