/**
 * `npm run frameworks [-- NAME…]`: installs each framework from the lock file of its folder, and plays the same cases with it against a provider on
 * this machine: what is recorded of its calls? Ends with `N passed, N failed`, and with 1 if anything is wrong.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { reportFailedRow } from '../failed-rows.js';
import { installNode, installPackages } from '../install.js';
import type { Verdict } from './play.js';

/** Each has a folder here, and the package whose version is printed. */
const FRAMEWORKS = { langchain: '@langchain/openai', 'openai-agents': '@openai/agents' };

/** What the newest model clients need. */
const NODE = '22';

const names = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const [name, main] of Object.entries(FRAMEWORKS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const { version } = installPackages(`frameworks/${name}`)(main);
  const verdicts = await play(name);
  const wrong = verdicts.filter((verdict) => verdict.wrong !== undefined);
  passed += verdicts.length - wrong.length;
  failed += wrong.length;
  console.log(`${`${name} ${version}`.padEnd(30)} ${verdicts.length - wrong.length} right, ${wrong.length} wrong`);
  for (const verdict of wrong) {
    reportFailedRow(name, verdict.case);
    console.log(`  ${verdict.case}: ${verdict.wrong?.replaceAll('\n', '\n    ')}`);
  }
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

async function play(name: string): Promise<Verdict[]> {
  const isOwn = process.versions.node.startsWith(`${NODE}.`);
  const child = fork(fileURLToPath(new URL(`${name}/app.js`, import.meta.url)), {
    execPath: isOwn ? process.execPath : installNode(NODE),
    execArgv: ['--enable-source-maps'],
  });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with ${code}`)));
  const [verdicts] = (await Promise.race([once(child, 'message'), ended])) as [Verdict[]];
  ended.catch(() => {});
  return verdicts;
}
