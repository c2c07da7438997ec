/** What can happen to a backend, and what becomes of the spans: `npm run faults [NAME…]`. */

import { askedRows } from '../asked.js';
import { reportFailedRow } from '../failed-rows.js';
import { FAULTS, type Fault } from './faults.js';
import { complaintAbout, outcomeOf } from './judge.js';
import type { Outcome } from './trial.js';

/** Trials wait more than they work. */
const AT_ONCE = 6;

interface Row {
  fault: Fault;
  /** `undefined` if the trial itself failed. */
  stock: Outcome | undefined;
  ours: Outcome | undefined;
  complaint: string | undefined;
}

const asked = process.argv.slice(2);
const isAsked = (name: string) => asked.length === 0 || asked.some((part) => name.includes(part));
const chosen = askedRows(FAULTS, ({ name }) => name, isAsked);
const faults = chosen.filter(({ cannotPlay }) => cannotPlay === undefined);
// The long ones first, so that none of them is alone at the end.
const waiting = [...faults].sort((a, b) => (b.takesSeconds ?? 0) - (a.takesSeconds ?? 0));
const rows = new Map<Fault, Row>();
const began = performance.now();
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let fault = waiting.shift(); fault; fault = waiting.shift()) {
      const [stock, ours] = await Promise.allSettled([
        outcomeOf(fault, 'stock'),
        outcomeOf(fault, fault.ours ?? 'ours'),
      ]);
      const complaint = ours.status === 'rejected' ? String(ours.reason) : complaintAbout(fault, ours.value);
      rows.set(fault, { fault, stock: settledValue(stock), ours: settledValue(ours), complaint });
      process.stderr.write(
        `${secondsSince(began)} s  ${complaint ? 'FAILED' : 'passed'}  ${fault.name}  ${complaint ?? ''}\n`,
      );
    }
  }),
);
const done = faults.map((fault) => rows.get(fault) as Row);
process.stdout.write(`${tableOf(done)}\n`);
for (const { fault, complaint } of done) {
  if (!complaint) continue;
  process.stdout.write(`FAILED  ${fault.name}: ${complaint}\n`);
  reportFailedRow(fault.name, complaint);
}
for (const { fault, stock } of done) {
  if (stock?.violations.length) process.stdout.write(`STOCK  ${fault.name}: ${stock.violations[0]}\n`);
}
for (const { name, cannotPlay } of chosen) if (cannotPlay) process.stdout.write(`SKIPPED  ${name}: ${cannotPlay}\n`);
const failed = done.filter(({ complaint }) => complaint).length;
const skipped = chosen.length - faults.length;
process.stdout.write(
  `${done.length - failed} passed, ${failed} failed, ${skipped} skipped, in ${secondsSince(began)} s\n`,
);
process.exit(failed > 0 ? 1 : 0);

function secondsSince(millis: number): number {
  return Math.round((performance.now() - millis) / 1000);
}

function settledValue<T>(settled: PromiseSettledResult<T>): T | undefined {
  return settled.status === 'fulfilled' ? settled.value : undefined;
}

function figuresOf(outcome: Outcome | undefined, asIn: number | undefined): string[] {
  if (!outcome) return ['failed', '', '', '', ''];
  const { spansIn, arrived, duplicates, lost, falselySent, early } = outcome;
  return [
    spansIn === asIn ? String(arrived) : `${arrived} of ${spansIn}`,
    ...[duplicates, lost, falselySent, early].map((figure) => (figure === 0 ? '' : String(figure))),
  ];
}

function tableOf(all: readonly Row[]): string {
  const columns = ['arrived', 'twice', 'as lost', 'as sent', 'early'];
  const cells = [
    ['', 'spans', 'stock:', '', 'counted', 'falsely', 'too', 'runtrace:', '', 'counted', 'falsely', 'too', 'on'],
    ['fault', 'in', ...columns, ...columns, 'disk'],
    ...all.map(({ fault, stock, ours }) => [
      fault.name,
      String(ours?.spansIn ?? ''),
      ...figuresOf(stock, ours?.spansIn),
      ...figuresOf(ours, ours?.spansIn),
      String(ours?.onDisk || ''),
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
