/**
 * `npm run test:one -- spans/hold`: builds without declarations, in about a second, and runs the test files whose path has one of the words.
 * `npm run test:watch -- spans/hold` does so again whenever a file of src, test or examples changes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { watch } from 'node:fs';

const args = process.argv.slice(2);
const words = args.filter((arg) => arg !== '--watch');

if (!args.includes('--watch'))
  process.exit(builds() ? spawnSync(process.execPath, tests(), { stdio: 'inherit' }).status : 1);

let running;
let timer;
const again = () => {
  clearTimeout(timer);
  // An editor saves a file by several operations.
  timer = setTimeout(() => {
    running?.kill();
    console.log(`\n${new Date().toLocaleTimeString()}`);
    if (builds()) running = spawn(process.execPath, tests(), { stdio: 'inherit' });
  }, 100);
};
for (const folder of ['src', 'test', 'examples']) watch(folder, { recursive: true }, again);
again();

function builds() {
  // Some tests compare or compile the declarations. Those of the last full build do.
  return spawnSync(process.execPath, ['.ci/scripts/build.js', '--quick'], { stdio: 'inherit' }).status === 0;
}

function tests() {
  return ['.ci/scripts/test.js', ...words];
}
