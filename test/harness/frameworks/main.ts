/**
 * `npm run frameworks [-- [--write] NAME…]`: installs each framework from the lock file of its folder, and plays the same cases with it against a
 * provider on this machine: what is recorded of its calls? Compares the table of docs/clients.md with that; `--write` writes the table. Ends with
 * `N passed, N failed`, and with 1 if anything is wrong. A framework that no registry gives is skipped. `NAME` is a folder here.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { askedRows } from '../asked.js';
import { reportFailedRow } from '../failed-rows.js';
import { installNode, installPackages } from '../install.js';
import { Unavailable } from '../npm.js';
import { isWritten, write } from '../written-table.js';
import { linesOf, PLACE, type Tried } from './docs.js';
import { type FrameworkRow, ROWS } from './rows.js';
import type { Played } from './support/play.js';

/** What the newest model clients need. */
const NODE = '22';

/** The row that stands for the table of the documentation: everything is tried, and compared with it. */
const TABLE = 'table';

const args = process.argv.slice(2);
const names = args.filter((arg) => arg !== '--write' && arg !== TABLE);
const isAsked = (folder: string) => names.length === 0 || names.includes(folder);
const rows = askedRows(ROWS, ({ folder }) => folder, isAsked);
const isOwn = process.versions.node.startsWith(`${NODE}.`);
const tried: Tried[] = [];
let passed = 0;
let failed = 0;
let skipped = 0;
for (const row of rows) {
  try {
    judge(await tryRow(row));
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof Unavailable) {
      skipped++;
      console.log(`${row.title}: skipped, ${message}`);
    } else {
      failed++;
      reportFailedRow(row.folder, message);
      console.log(`${row.title}: ${message}`);
    }
  }
}
if (names.length === 0 && failed + skipped === 0) {
  const lines = linesOf(tried);
  if (args.includes('--write')) write(PLACE, lines);
  if (isWritten(PLACE, lines)) passed++;
  else {
    failed++;
    reportFailedRow(TABLE, 'docs/clients.md is not what this run writes');
    console.log('The table of docs/clients.md is not that of this run: npm run frameworks -- --write');
  }
}
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed + skipped === 0 ? 1 : 0;

async function tryRow(row: FrameworkRow): Promise<Tried> {
  const packageOf = await installPackages(`frameworks/${row.folder}`);
  const version = [row.package, ...(row.others ?? [])].map((name) => packageOf(name).version).join(', ');
  return { row, version, played: await play(row) };
}

function judge(one: Tried): void {
  tried.push(one);
  const { row, version, played } = one;
  const wrong = played.verdicts.filter((verdict) => verdict.wrong !== undefined);
  const right = played.verdicts.length - wrong.length;
  passed += right;
  failed += wrong.length;
  console.log(`${`${row.title} ${version}`.padEnd(30)} ${right} right, ${wrong.length} wrong`);
  for (const verdict of wrong) {
    reportFailedRow(row.folder, verdict.case);
    console.log(`  ${verdict.case}: ${verdict.wrong?.replaceAll('\n', '\n    ')}`);
  }
}

async function play({ folder }: FrameworkRow): Promise<Played> {
  const child = fork(fileURLToPath(new URL(`${folder}/app.js`, import.meta.url)), {
    execPath: isOwn ? process.execPath : await installNode(NODE),
    execArgv: ['--enable-source-maps'],
  });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${folder} ended with ${code}`)));
  const [played] = (await Promise.race([once(child, 'message'), ended])) as [Played];
  ended.catch(() => {});
  return played;
}
