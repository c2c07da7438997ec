import { reportFailedRow } from '../failed-rows.js';

/** What came of a cell. One that can't exist is not counted; one that could not be tried here is skipped, which is no pass. */
export type Result =
  | { readonly is: 'passed' }
  | { readonly is: 'failed' | 'skipped' | 'impossible'; readonly why: string };

const MARKS = { passed: '✔', failed: '✖', skipped: 'skipped', impossible: '–' } as const;
const TITLE_WIDTH = 50;

export const PASSED: Result = { is: 'passed' };

export function failed(error: unknown): Result {
  return { is: 'failed', why: error instanceof Error ? error.message : String(error) };
}

/** Prints results as they come, and adds them up. */
export class Results {
  readonly #counts = { passed: 0, failed: 0, skipped: 0, impossible: 0 };
  readonly #notes: string[] = [];

  say(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** One thing by itself. */
  one(title: string, result: Result): void {
    this.row(title, [result], []);
  }

  head(title: string, columns: readonly string[]): void {
    this.say(`\n${title.padEnd(TITLE_WIDTH)}${columns.map((column) => `  ${column}`).join('')}`);
  }

  row(title: string, cells: readonly Result[], columns: readonly string[]): void {
    const marks = cells.map((cell, i) => `  ${this.#mark(cell).padEnd(columns[i]?.length ?? 0)}`);
    this.say(`${title.padEnd(TITLE_WIDTH)}${marks.join('')}`.trimEnd());
    for (const [i, cell] of cells.entries()) {
      this.#counts[cell.is]++;
      if (cell.is !== 'failed') continue;
      this.say(`  ${columns[i] ?? title}: ${cell.why.replaceAll('\n', '\n    ')}`);
      reportFailedRow(title, columns[i] ?? title);
    }
  }

  /** Whether nothing failed. */
  end(): boolean {
    for (const [i, note] of this.#notes.entries()) this.say(`${i === 0 ? '\n' : ''}[${i + 1}] ${note}`);
    const { passed, failed, skipped } = this.#counts;
    this.say(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    // A name that no row has is a mistake.
    return failed === 0 && passed + skipped > 0;
  }

  #mark(result: Result): string {
    if (result.is === 'passed' || result.is === 'failed') return MARKS[result.is];
    let note = this.#notes.indexOf(result.why);
    if (note < 0) note = this.#notes.push(result.why) - 1;
    return `${MARKS[result.is]} [${note + 1}]`;
  }
}
