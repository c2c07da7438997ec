/**
 * `npm run behaviours [-- CLIENT…]`: prints the table, a row for each way, a column for each client. Exits with 1 if a cell is wrong, with 77
 * if nothing can be tried here.
 *
 * The clients of the root go every way through both ways in, alone and many at once; those of test/harness/clients through the option `fetch`.
 * Clients that need a newer Node or AI SDK are skipped: it says so first, and what to install.
 */

import { createRequire } from 'node:module';
import { CLIENTS, type ClientMaker } from '../../support/clients.js';
import { FORMATS } from '../clients/wire/formats.js';
import { reportFailedRow } from '../failed-rows.js';
import { installPackages } from '../install.js';
import { type Cell, fillTable } from './table.js';

const SHOWN_PER_CELL = 8;
const WAYS_IN = { fetch: 'Through the option `fetch`', register: 'Through `runtrace/register`' } as const;

const NEWER_NODE = 22;
/** AI SDK 6 reads on in a stream that its caller has left, so the run of such a call goes on. */
const NEWER_AI_SDK = 7;
const HOW_TO_TRY_ALL = 'npm ci --prefix .ci/newest-clients && npm run behaviours';
/** The exit code by which CI knows that a step cannot be tried. */
const NOTHING_TRIED = 77;

const isNodeNewer = Number.parseInt(process.versions.node, 10) >= NEWER_NODE;
const aiSdkVersion: string = createRequire(import.meta.url)('ai/package.json').version;
const isAiSdkNewer = Number.parseInt(aiSdkVersion, 10) >= NEWER_AI_SDK;
const asked = process.argv.slice(2);
const isAsked = ({ name }: ClientMaker) => asked.length === 0 || asked.includes(name);
const isTried = ({ name }: ClientMaker) => isAiSdkNewer || !name.startsWith('ai ');
const ofRoot = CLIENTS.filter(isAsked);
const own = ofRoot.filter(isTried).map(({ name }) => name);
const others = isNodeNewer ? (await packaged()).filter(isAsked) : [];
const clients = [...own, ...others.map(({ name }) => name)];
const skipped = skippedHere();
for (const line of skipped) print(`SKIPPED  ${line}`);
if (skipped.length > 0) print(`To try all, with Node ${NEWER_NODE} or later: ${HOW_TO_TRY_ALL}`);
else if (clients.length === 0) print(`No client has the name ${asked.join(', ')}.`);
if (clients.length === 0) process.exit(skipped.length > 0 ? NOTHING_TRIED : 1);
const cells = await fillTable({ clients: own, runs: 50, callsEach: 20 }, others, FORMATS);
const notes = [...new Set(cells.flatMap(({ note }) => note ?? []))];
const wrong = cells.filter((cell) => cell.wrong.length > 0);

for (const wayIn of ['fetch', 'register'] as const) {
  print(`\n${WAYS_IN[wayIn]}\n`);
  for (const line of tableOf(cells.filter((cell) => cell.wayIn === wayIn))) print(line);
}
print('');
for (const [index, note] of notes.entries()) print(`(${index + 1}) ${note}`);
for (const { wayIn, client, way, wrong: complaints } of wrong) {
  reportFailedRow(client, `${way}, ${wayIn}`);
  print(`\nWrong, ${wayIn}, ${client}, ${way}:`);
  for (const complaint of complaints.slice(0, SHOWN_PER_CELL)) print(`  ${complaint}`);
  if (complaints.length > SHOWN_PER_CELL) print(`  … and ${complaints.length - SHOWN_PER_CELL} more`);
}
const counts = `${cells.length - wrong.length} passed, ${wrong.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
print(`\nA cell that is right is passed, a client that is not tried is skipped:\n${counts}`);
// Answers that nothing has read keep their connections, and those the process, for minutes.
process.exit(wrong.length === 0 ? 0 : 1);

/** The clients whose packages are installed by the harness alone. Some of them need Node 22. */
async function packaged(): Promise<readonly ClientMaker[]> {
  await installPackages('clients');
  return (await import('../clients/makers.js')).PACKAGED;
}

/** What is asked for and cannot be tried here, and why. */
function skippedHere(): string[] {
  const lines = ofRoot
    .filter((maker) => !isTried(maker))
    .map(({ name }) => `${name}: needs AI SDK ${NEWER_AI_SDK}, got ${aiSdkVersion}`);
  if (!isNodeNewer && (asked.length === 0 || asked.some((name) => !CLIENTS.some((maker) => maker.name === name)))) {
    lines.push(`the clients of test/harness/clients: need Node ${NEWER_NODE}, got ${process.versions.node}`);
  }
  return lines;
}

function tableOf(part: readonly Cell[]): string[] {
  const ways = [...new Set(part.map(({ way }) => way))];
  const tried = clients.filter((name) => part.some(({ client }) => client === name));
  const rows = [
    ['', ...tried],
    ...ways.map((way) => [
      way,
      ...tried.map((client) => verdict(part.find((cell) => cell.way === way && cell.client === client))),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function verdict(cell: Cell | undefined): string {
  if (!cell) return '';
  if (cell.wrong.length > 0) return `WRONG ${cell.wrong.length}`;
  return cell.note ? `right (${notes.indexOf(cell.note) + 1})` : 'right';
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
