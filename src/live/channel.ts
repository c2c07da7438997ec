/**
 * The live channel: shows runs in progress to a viewer on this machine. What it sends are snapshots at the capture level of their run. The
 * application never waits for it: in the application's turn it takes a note of what changed, and a timer does the rest.
 */
import { outsideContext } from '../otel/root-context.js';
import { unref } from '../otel/unref.js';
import type { InProgress, ProgressListener } from '../spans/progress/listener.js';
import { guarded, report } from '../util/diagnostics.js';
import { Connection } from './connection.js';

/** How long changes are collected before they are sent together. */
const COLLECT_MILLIS = 20;
/** A run is sent at most four times a second. */
const RUN_MILLIS = 250;
/** What waits to be sent: the oldest note is given up for a new one. Its run is shown again when it changes again. */
const MOST_NOTED = 2000;
/** The share of the event loop that the channel may take: snapshots are made for so long, then it pauses. */
const WORK_MILLIS = 0.5;
const PAUSE_MILLIS = 100;

const NOT_SENT = 'runs in progress could not be sent to the local viewer';

export class LiveChannel implements ProgressListener {
  readonly #connection: Connection;
  /** What changed since it was sent, the oldest first. */
  readonly #noted = new Set<InProgress>();
  /** When each run was sent, by trace id, in `performance.now()` time; for `RUN_MILLIS`, the oldest first. */
  readonly #sentAt = new Map<string, number>();
  #isScheduled = false;
  #isExiting = false;
  #sequence = 0;

  constructor(url: URL) {
    this.#connection = new Connection(url, (state) => {
      if (state === 'open') this.#schedule(0);
      else this.#dropEnded();
    });
    process.on('exit', () => this.#exit());
  }

  changed(part: InProgress): void {
    const { state } = this.#connection;
    // With no viewer a note must not hold what has ended in memory.
    if (state === 'away' && part.hasEnded) {
      this.#noted.delete(part);
      return;
    }
    if (this.#noted.size >= MOST_NOTED && !this.#noted.has(part)) {
      const [oldest] = this.#noted;
      this.#noted.delete(oldest as InProgress);
      if (state === 'open') report('more runs changed at once than the live channel shows');
    }
    this.#noted.add(part);
    if (state !== 'open') return;
    if (this.#isExiting) this.#sendAll();
    else this.#schedule(COLLECT_MILLIS);
  }

  #dropEnded(): void {
    for (const part of this.#noted) if (part.hasEnded) this.#noted.delete(part);
  }

  #schedule(millis: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    outsideContext(() => unref(setTimeout(() => guarded(NOT_SENT, () => this.#flush()), millis)));
  }

  #flush(): void {
    this.#isScheduled = false;
    if (!this.#connection.isReady) {
      // A slow viewer is tried again. Where there is none, its handshake schedules the next one.
      if (this.#connection.state === 'open' && this.#noted.size > 0) this.#schedule(PAUSE_MILLIS * 5);
      return;
    }
    const now = performance.now();
    this.#forget(now);
    const lines: string[] = [];
    for (const part of this.#noted) {
      const { traceId } = part.span.spanContext();
      const sentAt = this.#sentAt.get(traceId);
      if (sentAt !== undefined && sentAt !== now) continue;
      this.#sentAt.set(traceId, now);
      this.#take(part, lines);
      if (performance.now() - now > WORK_MILLIS) break;
    }
    this.#connection.send(lines);
    if (this.#noted.size > 0) this.#schedule(PAUSE_MILLIS);
  }

  #take(part: InProgress, lines: string[]): void {
    this.#noted.delete(part);
    const line = guarded('a snapshot of a run could not be made', () =>
      JSON.stringify({ ...part.snapshot(), sequence: ++this.#sequence }),
    );
    if (line !== undefined) lines.push(line);
  }

  #forget(now: number): void {
    for (const [traceId, sentAt] of this.#sentAt) {
      if (now - sentAt < RUN_MILLIS) break;
      this.#sentAt.delete(traceId);
    }
  }

  /** The process ends. A socket's write reaches the system at once, as far as the system has room for it. */
  #exit(): void {
    this.#isExiting = true;
    this.#sendAll();
  }

  #sendAll(): void {
    if (this.#connection.state !== 'open') return;
    const lines: string[] = [];
    for (const part of this.#noted) this.#take(part, lines);
    this.#connection.send(lines);
  }
}
