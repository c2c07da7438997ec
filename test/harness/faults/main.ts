/* What can happen to a backend, and what becomes of the spans: `npm run faults [NAME…]`. */

import { reportFailedRow } from '../failed-rows.js';
import { FAULTS, type Fault } from './faults.js';
import { complaintAbout, outcomeOf } from './judge.js';
import type { Outcome } from './trial.js';

/** Trials wait more than they work. */
const AT_ONCE = 4;

interface Row {
  fault: Fault;
  stock: Outcome;
  ours: Outcome;
  complaint: string | undefined;
}

const asked = process.argv.slice(2);
const faults = FAULTS.filter(({ name }) => asked.length === 0 || asked.some((part) => name.includes(part)));
const waiting = [...faults];
const rows = new Map<Fault, Row>();
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let fault = waiting.shift(); fault; fault = waiting.shift()) {
      const [stock, ours] = await Promise.all([outcomeOf(fault, 'stock'), outcomeOf(fault, fault.ours ?? 'ours')]);
      rows.set(fault, { fault, stock, ours, complaint: complaintAbout(fault, ours) });
      process.stderr.write('.');
    }
  }),
);
process.stderr.write('\n');
const done = faults.map((fault) => rows.get(fault) as Row);
process.stdout.write(`${tableOf(done)}\n`);
for (const { fault, complaint } of done) {
  if (!complaint) continue;
  process.stdout.write(`FAILED  ${fault.name}: ${complaint}\n`);
  reportFailedRow(fault.name, complaint);
}
const failed = done.filter(({ complaint }) => complaint).length;
process.stdout.write(`${done.length - failed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);

function tableOf(all: readonly Row[]): string {
  const figures = ({ spansIn, arrived, duplicates, counted }: Outcome, asIn = spansIn) => [
    spansIn === asIn ? String(arrived) : `${arrived} of ${spansIn}`,
    String(duplicates),
    String(counted),
  ];
  const cells = [
    ['', 'spans', 'stock:', '', 'counted', 'runtrace:', '', 'counted'],
    ['fault', 'in', 'arrived', 'twice', 'as lost', 'arrived', 'twice', 'as lost'],
    ...all.map(({ fault, stock, ours }) => [
      fault.name,
      String(ours.spansIn),
      ...figures(stock, ours.spansIn),
      ...figures(ours),
    ]),
  ];
  const widths = (cells[0] as string[]).map((_, i) => Math.max(...cells.map((row) => (row[i] as string).length)));
  return cells
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
