import type { RunRow } from '../../model.js';

/** Rows by start, newest first. New ones are apart until `showAll`, so that the rows that are shown keep their places. */
export class RowOrder {
  #rows = new Map<string, RunRow>();
  #order: string[] = [];
  #new = new Set<string>();

  get newCount(): number {
    return this.#new.size;
  }

  put(row: RunRow): void {
    if (!this.#rows.has(row.traceId)) this.#new.add(row.traceId);
    this.#rows.set(row.traceId, row);
  }

  remove(traceId: string): void {
    this.#rows.delete(traceId);
    this.#new.delete(traceId);
  }

  /** What the server has now. The rows of `newer` are kept: their events came after the server had answered. */
  replaceAll(rows: readonly RunRow[], newer: ReadonlySet<string>): void {
    const has = new Set(rows.map(({ traceId }) => traceId));
    for (const traceId of this.#rows.keys()) if (!has.has(traceId) && !newer.has(traceId)) this.remove(traceId);
    for (const row of rows) if (!newer.has(row.traceId)) this.put(row);
  }

  showAll(): void {
    if (this.#new.size === 0) return;
    this.#new.clear();
    this.#order = [...this.#rows.values()]
      .sort((a, b) => b.startMillis - a.startMillis || (a.traceId < b.traceId ? -1 : 1))
      .map(({ traceId }) => traceId);
  }

  shown(): RunRow[] {
    return this.#order.flatMap((traceId) => this.#rows.get(traceId) ?? []);
  }
}
