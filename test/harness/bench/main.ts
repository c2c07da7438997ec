/**
 * Prints what recording costs, beside the floor of the same run: `npm run bench`, or `npm run bench -- stream` for the cases whose
 * name has a word. `npm run bench -- --peers` installs other packages and prints what each adds to the same call. Exits with 1 if a case could not be played, and never for a figure: `npm run test:timing` fails for some of them.
 */
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { reportFailedRow } from '../failed-rows.js';
import { CASES } from './cases.js';
import type { Row } from './measure.js';
import { printPeers } from './peers/tables.js';

const GROSS = 2;

async function inItsOwnProcess(name: string): Promise<Row> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./case.js', import.meta.url)), [name], { execArgv: ['--expose-gc'] });
    let row: Row | undefined;
    child.on('message', (message) => {
      row = message as Row;
    });
    child.on('error', reject);
    child.on('exit', (code) => (row && code === 0 ? resolve(row) : reject(new Error(`${name}: exit ${code}`))));
  });
}

if (process.argv.includes('--peers')) {
  await printPeers();
  process.exit(0);
}

const words = process.argv.slice(2);
const names = Object.keys(CASES).filter((name) => words.every((word) => name.includes(word)));
console.log(
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}; CPU time, medians over interleaved rounds (quarters)\n`,
);
let played = 0;
let broke = 0;
let gross = 0;
for (const name of names) {
  try {
    const { figures, floor, goal, ofGoal } = await inItsOwnProcess(name);
    const verdict = ofGoal <= 1 ? 'met' : `missed, ${ofGoal.toFixed(2)} of it`;
    console.log(`${name}\n  ${figures}\n  floor: ${floor}\n  goal: ${goal}: ${verdict}`);
    played++;
    if (ofGoal > GROSS) gross++;
  } catch (error) {
    reportFailedRow(name, 'broke');
    console.log(`${name}\n  broke: ${error instanceof Error ? error.message : error}`);
    broke++;
  }
}
console.log(`\n${gross} of ${played} are more than twice over their goal. A case that could be played is passed:`);
console.log(`${played} passed, ${broke} failed`);
process.exitCode = broke > 0 ? 1 : 0;
