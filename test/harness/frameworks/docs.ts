/** The table of frameworks in docs/clients.md. */
import { rowOf, type TablePlace } from '../written-table.js';
import type { FrameworkRow } from './rows.js';
import type { Played } from './support/play.js';

/** A framework that was tried. */
export interface Tried {
  readonly row: FrameworkRow;
  readonly version: string;
  readonly played: Played;
}

export const PLACE: TablePlace = { file: 'docs/clients.md', command: 'npm run frameworks -- --write' };

/** The lines of the table. */
export function linesOf(tried: readonly Tried[]): string[] {
  const rows = tried.map(({ row, version, played: { recorded, ownSpans } }) =>
    rowOf(row.title, version, row.record, recorded.join(', '), ownSpans.join(', ') || 'none'),
  );
  return [rowOf('framework', 'version', 'how to record it', 'what is recorded', 'its own spans'), ...rows];
}
