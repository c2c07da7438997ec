/**
 * `npm run behaviours [-- CLIENT…]`: prints the table, a row for each way, a column for each client. Exits with 1 if a cell is wrong.
 *
 * The clients of the root go every way through both ways in, alone and many at once; those of test/harness/clients through the option `fetch`.
 */

import { CLIENTS, type ClientMaker } from '../../support/clients.js';
import { FORMATS } from '../clients/wire/formats.js';
import { reportFailedRow } from '../failed-rows.js';
import { installPackages } from '../install.js';
import { type Cell, fillTable } from './table.js';

const SHOWN_PER_CELL = 8;
const WAYS_IN = { fetch: 'Through the option `fetch`', register: 'Through `runtrace/register`' } as const;

const asked = process.argv.slice(2);
const isAsked = ({ name }: ClientMaker) => asked.length === 0 || asked.includes(name);
const own = CLIENTS.filter(isAsked).map(({ name }) => name);
const others = (await packaged()).filter(isAsked);
const clients = [...own, ...others.map(({ name }) => name)];
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
print(`\nA cell that is right is passed:\n${cells.length - wrong.length} passed, ${wrong.length} failed`);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** The clients whose packages are installed by the harness alone. Some of them need Node 22. */
async function packaged(): Promise<readonly ClientMaker[]> {
  if (Number.parseInt(process.versions.node, 10) < 22) {
    print('On Node 22 and later, the clients of test/harness/clients are tried too.');
    return [];
  }
  await installPackages('clients');
  return (await import('../clients/makers.js')).PACKAGED;
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
