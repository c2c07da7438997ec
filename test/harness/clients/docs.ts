/** The table of clients in docs/clients.md. */
import { rowOf, type TablePlace } from '../written-table.js';
import { type ClientRow, RESULTS } from './client.js';
import type { Verdict } from './play.js';

/** A client that was tried. */
export interface Tried {
  readonly row: ClientRow;
  readonly version: string;
  /** The Node that it ran on. */
  readonly node: number;
}

export const PLACE: TablePlace = { file: 'docs/clients.md', command: 'npm run clients -- --write' };

/** The lines of the table. */
export function linesOf(tried: readonly Tried[], verdicts: readonly Verdict[]): string[] {
  const rows = tried.map(({ row, version, node }) => {
    const own = new Set(verdicts.filter(({ client }) => client === row.name).map((verdict) => verdict.case));
    const recorded = ['chat', ...RESULTS.filter((result) => own.has(result))];
    return rowOf(row.name, version, node, code(row.record), recorded.join(', '));
  });
  return [rowOf('client', 'version', 'Node', 'how to record it', 'what is recorded'), ...rows];
}

function code(text: string): string {
  const [call, ...rest] = text.split(', with ');
  return [`\`${call}\``, ...rest].join(', with ');
}
