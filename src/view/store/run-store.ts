import type { WireRequest } from '../../exporter/otlp/protobuf/wire.js';
import type { RunDetail } from '../model.js';
import type { SpanRecord } from '../receive/span-record.js';
import { StoredRun } from './stored-run.js';

/** Told which runs changed or left memory, once for everything that arrived together. */
export interface StoreListener {
  changed(runs: Iterable<StoredRun>): void;
  gone(traceIds: readonly string[]): void;
}

/** The most rows of a list. */
const MOST_ROWS = 10_000;
/** A single run may take this share of the memory. */
const SHARE_OF_A_RUN = 4;

/** The runs in memory. When it is full, the oldest leave first: before them leave the traces in which there is no run. */
export class RunStore {
  /** In the order in which they arrived. */
  readonly #runs = new Map<string, StoredRun>();
  readonly #listeners = new Set<StoreListener>();
  readonly #maxBytes: number;
  #bytes = 0;
  #goneRuns = 0;

  /** `maxBytes`: how much the runs may take. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  listen(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes spans that arrived together. `source`: the connection of the program that shows them while they are in progress. */
  add(records: readonly SpanRecord[], source?: object): void {
    const changed = new Set<StoredRun>();
    for (const record of records) {
      const run = this.#runs.get(record.traceId) ?? this.#begin(record.traceId);
      const before = run.bytes;
      if (run.add(record, this.#maxBytes / SHARE_OF_A_RUN)) changed.add(run);
      if (source) run.shownBy(source);
      this.#bytes += run.bytes - before;
    }
    this.#makeRoom(changed);
    this.#tell(changed);
  }

  /** The program behind `source` gives no sign of life any more, or gives one again. */
  setContact(source: object, hasContact: boolean): void {
    this.#tell([...this.#runs.values()].filter((run) => run.source === source && run.setContact(hasContact)));
  }

  /** The rows as the JSON of a `RunList`, newest first. They are written once each, so that 10 000 take no time. */
  listJson(): string {
    const rows: { startMillis: number; json: string }[] = [];
    for (const run of this.#runs.values()) {
      if (run.row && run.rowJson) rows.push({ startMillis: run.row.startMillis, json: run.rowJson });
    }
    rows.sort((a, b) => b.startMillis - a.startMillis);
    const shown = rows.slice(0, MOST_ROWS).map(({ json }) => json);
    return `{"runs":[${shown.join()}],"more":${rows.length - shown.length + this.#goneRuns}}`;
  }

  detail(traceId: string): RunDetail | undefined {
    return this.#runs.get(traceId)?.detail();
  }

  otlp(traceId: string): WireRequest | undefined {
    return this.#runs.get(traceId)?.otlp();
  }

  #begin(traceId: string): StoredRun {
    const run = new StoredRun(traceId);
    this.#runs.set(traceId, run);
    this.#bytes += run.bytes;
    return run;
  }

  #makeRoom(changed: Set<StoredRun>): void {
    const gone: string[] = [];
    const drop = (run: StoredRun) => {
      this.#runs.delete(run.traceId);
      this.#bytes -= run.bytes;
      changed.delete(run);
      if (!run.row) return;
      this.#goneRuns++;
      gone.push(run.traceId);
    };
    if (this.#bytes > this.#maxBytes) {
      for (const run of this.#runs.values()) if (!run.row && !changed.has(run)) drop(run);
    }
    for (const run of this.#runs.values()) {
      if (this.#bytes <= this.#maxBytes) break;
      drop(run);
    }
    if (gone.length > 0) for (const listener of this.#listeners) listener.gone(gone);
  }

  #tell(changed: Iterable<StoredRun>): void {
    const listed = [...changed].filter((run) => run.row);
    if (listed.length > 0) for (const listener of this.#listeners) listener.changed(listed);
  }
}
