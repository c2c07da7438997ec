/** `npm run example NAME`: builds, and runs that example. Without the name of one it lists them. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .filter((path) => /^(?:[\w-]+|[\w-]+\/main)\.ts$/.test(path) && path !== 'tracing.ts')
  .map((path) => path.replace(/\.ts$/, ''))
  .sort();
const [name] = process.argv.slice(2);
if (examples.includes(name)) {
  process.exitCode = run('.ci/scripts/build.js', '--quick') || run(`build/examples/${name}.js`);
} else {
  console.error(`npm run example NAME, where NAME is one of: ${examples.join(', ')}`);
  process.exitCode = 1;
}

function run(...args) {
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
}
