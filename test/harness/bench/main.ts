/**
 * Prints what recording costs, beside the floor of the same run: `npm run bench`, or `npm run bench -- stream` for the cases whose
 * name has a word. `npm run bench -- --peers` installs other packages and prints what each adds to the same call.
 *
 * Exits with 1 if a case broke, or missed its goal (by more than is known) in two processes, one after the other: a machine that does other
 * work may slow one side more than the other.
 */
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { askedRows } from '../asked.js';
import { reportFailedRow } from '../failed-rows.js';
import { CASES } from './cases.js';
import { KNOWN_MISSES } from './known-misses.js';
import type { Row } from './measure.js';
import { printPeers } from './peers/tables.js';

async function inItsOwnProcess(name: string): Promise<Row> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./case.js', import.meta.url)), [name], {
      execArgv: ['--expose-gc'],
      // Some cases make the mistakes on purpose of which runtrace warns.
      env: { ...process.env, RUNTRACE_WARNINGS: 'off' },
    });
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
const isAsked = (name: string) => words.every((word) => name.includes(word));
const names = askedRows(Object.keys(CASES), (name) => name, isAsked);
console.log(
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}; CPU time, medians over interleaved rounds (quarters)\n`,
);
let met = 0;
let known = 0;
let failed = 0;
for (const name of names) {
  try {
    const first = await inItsOwnProcess(name);
    print(name, first);
    if (first.ofGoal <= 1) met++;
    else if (isKnown(name, first)) known++;
    else {
      const second = await inItsOwnProcess(name);
      print(`${name}, in a second process`, second);
      if (second.ofGoal <= 1) met++;
      else if (isKnown(name, second)) known++;
      else fail(name, 'missed its goal in two processes, by more than is known');
    }
  } catch (error) {
    fail(name, `broke: ${error instanceof Error ? error.message : error}`);
  }
}
console.log(`\n${met} met their goal; ${known} missed it by no more than is known, and docs/performance.md says why.`);
console.log(`${met + known} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** Whether a row misses its goal by no more than is known. */
function isKnown(name: string, { ofGoal, ofFloor }: Row): boolean {
  const bound = KNOWN_MISSES[name];
  if (bound === undefined) return false;
  return ofGoal <= bound.ofGoal || (ofFloor ?? Number.POSITIVE_INFINITY) <= (bound.ofFloor ?? 0);
}

function print(title: string, { figures, floor, goal, ofGoal }: Row): void {
  const verdict = ofGoal <= 1 ? 'met' : `missed, ${ofGoal.toFixed(2)} of it`;
  console.log(`${title}\n  ${figures}\n  floor: ${floor}\n  goal: ${goal}: ${verdict}`);
}

function fail(name: string, why: string): void {
  failed++;
  reportFailedRow(name, why);
  console.log(`${name}\n  ${why}`);
}
