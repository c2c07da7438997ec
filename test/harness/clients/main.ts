/**
 * `npm run clients [-- [--write] CLIENT…]`: tries the model clients as applications use them, each as the newest package, against a provider on
 * this machine: what is recorded of their calls? A client runs on Node 20, or on Node 22 if its package needs it. Prints a row for each client,
 * and compares the table of docs/clients.md with it; `--write` writes the table. Exits with 1 if anything is wrong.
 *
 * `CLIENT` is a name without its backquotes, or a part of it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { askedRows } from '../asked.js';
import { reportFailedRow } from '../failed-rows.js';
import { installNode, installPackages } from '../install.js';
import { isWritten, write } from '../written-table.js';
import { linesOf, PLACE, type Tried } from './docs.js';
import type { Verdict } from './play.js';

const OLDEST_NODE = 20;
const NEWER_NODE = 22;

/** The row that stands for the table of the documentation: everything is tried, and compared with it. */
const TABLE = 'table';

const args = process.argv.slice(2);
const words = args.filter((arg) => arg !== '--write' && arg !== TABLE);
const packageOf = await installPackages('clients');
// The rows import the clients, which were not there before.
const { ROWS } = await import('./rows.js');
const isAsked = (name: string) => words.length === 0 || words.some((word) => name.includes(word));
const rows = askedRows(ROWS, ({ name }) => name.replaceAll('`', ''), isAsked);

const tried: Tried[] = rows.map((row) => {
  const { version, engines } = packageOf(row.package);
  return { row, version, node: needsNewer(engines?.node) ? NEWER_NODE : OLDEST_NODE };
});
const verdicts = (
  await Promise.all(
    [OLDEST_NODE, NEWER_NODE].map((node) =>
      play(
        node,
        tried.filter((one) => one.node === node).map(({ row }) => row.name),
      ),
    ),
  )
).flat();

let failed = 0;
for (const { row, version, node } of tried) {
  const own = verdicts.filter(({ client }) => client === row.name);
  const wrong = own.filter((verdict) => verdict.wrong !== undefined);
  failed += wrong.length;
  const name = row.name.replaceAll('`', '');
  console.log(
    `${`${name} ${version}`.padEnd(50)} Node ${node}  ${own.length - wrong.length} right, ${wrong.length} wrong`,
  );
  for (const verdict of wrong) {
    reportFailedRow(name, verdict.case);
    console.log(`  ${verdict.case}: ${verdict.wrong?.replaceAll('\n', '\n    ')}`);
  }
}
let total = verdicts.length;
if (words.length === 0 && failed === 0) {
  const lines = linesOf(tried, verdicts);
  if (args.includes('--write')) write(PLACE, lines);
  total++;
  if (!isWritten(PLACE, lines)) {
    failed++;
    reportFailedRow(TABLE, 'docs/clients.md is not what this run writes');
    console.log('The table of docs/clients.md is not that of this run: npm run clients -- --write');
  }
}
console.log(`\n${total - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** Whether a package's `engines` leave out the oldest Node. */
function needsNewer(range: string | undefined): boolean {
  const least = Number(/^>=\s*(\d+)/.exec(range ?? '')?.[1] ?? 0);
  return least > OLDEST_NODE;
}

async function play(node: number, clients: readonly string[]): Promise<Verdict[]> {
  if (clients.length === 0) return [];
  const isOwn = Number(process.versions.node.split('.')[0]) === node;
  const child = fork(fileURLToPath(new URL('play.js', import.meta.url)), [...clients], {
    execPath: isOwn ? process.execPath : await installNode(String(node)),
    execArgv: ['--enable-source-maps'],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`Node ${node} ended with ${code}`)));
  const [verdicts] = (await Promise.race([once(child, 'message'), ended])) as [Verdict[]];
  ended.catch(() => {});
  return verdicts;
}
