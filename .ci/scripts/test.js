/**
 * Runs test files of `build`, which `npm run build:test` writes.
 *
 *     node .ci/scripts/test.js                     every unit test: those outside of test/harness
 *     node .ci/scripts/test.js spans/hold fetch    the files whose path has one of the words
 *     node .ci/scripts/test.js --timing            the tests that measure time, one after the other
 *     node .ci/scripts/test.js --harness           the tests of test/harness: examples, demo, small versions of its programs
 *     node .ci/scripts/test.js --failed FILE       the files that FILE names, which an earlier run wrote by FAILED_TESTS
 *
 * The tests of `runtrace/ai-sdk` need the AI SDK 7, which needs Node 22: they run there, once .ci/newest-clients is installed.
 *
 * Writes the failed tests to the file that FAILED_TESTS names, a line each: the test file, a tab, the test's name.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { linkNewestClients } from './newest-clients.js';

const AI_SDK_TESTS = join('build', 'test', 'ai-sdk', '/');

const args = process.argv.slice(2);
const hasNewest = linkNewestClients();
const files = filesFor(args);
if (files.length === 0) {
  console.error(`no test file has ${args.join(' or ')} in its path`);
  process.exit(1);
}
const failedTests = process.env.FAILED_TESTS;
const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
if (failedTests) {
  reporters.push(`--test-reporter=./.ci/scripts/failed-tests.js`, `--test-reporter-destination=${failedTests}`);
}
// Two files more than there are cores: many wait for a server, a timer or a process most of their time.
const concurrency = args[0] === '--timing' ? 1 : availableParallelism() + 2;
const options = ['--expose-gc', '--test', `--test-concurrency=${concurrency}`, '--test-timeout=120000', ...reporters];
const { status } = spawnSync(process.execPath, [...options, ...files], { stdio: 'inherit' });
process.exitCode = status ?? 1;

function filesFor([first, ...others]) {
  if (first === '--failed') {
    const lines = readFileSync(others[0], 'utf8').trim().split('\n');
    return [...new Set(lines.map((line) => line.split('\t')[0]))];
  }
  const all = readdirSync('build/test', { recursive: true, encoding: 'utf8' })
    // The harness links the packages that it installs.
    .filter((path) => !path.includes('node_modules'))
    .map((path) => join('build/test', path));
  if (first === '--timing') return all.filter((path) => path.endsWith('.timing.js'));
  const tests = all.filter((path) => path.endsWith('.test.js') && (hasNewest || !path.startsWith(AI_SDK_TESTS)));
  const inHarness = (path) => path.includes(join('test', 'harness'));
  if (first === '--harness') return tests.filter(inHarness);
  const words = args.map((word) => word.replace(/^test\//, '').replace(/(\.test)?\.[jt]s$/, ''));
  if (words.length === 0) return tests.filter((path) => !inHarness(path));
  return tests.filter((path) => words.some((word) => path.includes(word)));
}
