/** The table of docs/clients.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type ClientRow, RESULTS } from './client.js';
import type { Verdict } from './play.js';

/** A client that was tried. */
export interface Tried {
  readonly row: ClientRow;
  readonly version: string;
  /** The Node that it ran on. */
  readonly node: number;
}

const FILE = 'docs/clients.md';
const BEGIN = '<!-- Written by `npm run clients -- --write` -->';
const END = '<!-- The end of what is written -->';

/** Whether the file has the table of this run. */
export function isWritten(tried: readonly Tried[], verdicts: readonly Verdict[]): boolean {
  return parts().table === tableOf(tried, verdicts);
}

export function write(tried: readonly Tried[], verdicts: readonly Verdict[]): void {
  const { before, after } = parts();
  writeFileSync(FILE, `${before}${tableOf(tried, verdicts)}${after}`);
}

function parts(): { before: string; table: string; after: string } {
  const text = readFileSync(FILE, 'utf8');
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  const end = text.indexOf(END);
  if (begin < BEGIN.length || end < begin) throw new Error(`${FILE} has no place for the table`);
  return { before: text.slice(0, begin), table: text.slice(begin, end), after: text.slice(end) };
}

function tableOf(tried: readonly Tried[], verdicts: readonly Verdict[]): string {
  const lines = tried.map(({ row, version, node }) => {
    const own = new Set(verdicts.filter(({ client }) => client === row.name).map((verdict) => verdict.case));
    const recorded = ['chat', ...RESULTS.filter((result) => own.has(result))];
    return `| ${row.name} | ${version} | ${node} | ${code(row.record)} | ${recorded.join(', ')} |`;
  });
  const head = '| client | version | Node | how to record it | what is recorded |\n|---|---|---|---|---|';
  return `\n${head}\n${lines.join('\n')}\n`;
}

function code(text: string): string {
  const [call, ...rest] = text.split(', with ');
  return [`\`${call}\``, ...rest].join(', with ');
}
