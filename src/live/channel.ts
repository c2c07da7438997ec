/**
 * The live channel: shows runs in progress to a viewer on this machine. What it sends are snapshots at the capture level of their run. The
 * application never waits for it: in the application's turn it takes a note of what changed, and a timer does the rest.
 */
import { outsideContext } from '../otel/root-context.js';
import { unref } from '../otel/unref.js';
import type { InProgress, ProgressListener } from '../spans/progress/listener.js';
import { guarded, report } from '../util/diagnostics.js';
import { Connection, type ConnectionState } from './connection.js';

/** How long changes are collected before they are sent together. */
const COLLECT_MILLIS = 50;
/** A run is sent at most four times a second. */
const RUN_MILLIS = 250;
/** Of what waits to be sent, the older half is given up for a new note. Its runs are shown again when they change again. */
const MOST_NOTED = 2000;
/** While so much waits, what ends before it was shown is left out: a note would hold it in memory, and the viewer never says that it goes on. */
const MOST_BEFORE_ENDED = 400;
/** The share of the event loop that the channel may take: snapshots are made for so long, then it pauses. */
const WORK_MILLIS = 0.5;
const PAUSE_MILLIS = 100;

const TOO_MANY = 'more runs changed at once than the live channel shows';
const NOT_SENT = 'runs in progress could not be sent to the local viewer';

export class LiveChannel implements ProgressListener {
  readonly #connection: Connection;
  /** What changed since it was sent, the oldest first. */
  readonly #noted = new Set<InProgress>();
  /** The part that was noted last, until notes are sent: most changes are of the same part as the change before. */
  #newest: InProgress | undefined;
  readonly #shown = new WeakSet<InProgress>();
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
    const { hasEnded } = part;
    if (part === this.#newest && !hasEnded) return;
    const { state } = this.#connection;
    if (hasEnded && this.#isLeftOut(part, state)) {
      this.#noted.delete(part);
      if (state === 'open') report(TOO_MANY);
      return;
    }
    this.#noted.add(part);
    this.#newest = part;
    if (!hasEnded && this.#noted.size > MOST_NOTED) this.#giveUpOlder(state);
    if (state !== 'open') return;
    if (this.#isExiting) this.#sendAll();
    else this.#schedule(COLLECT_MILLIS);
  }

  /** Whether a part that has ended is not noted. With no viewer a note must not hold it in memory. */
  #isLeftOut(part: InProgress, state: ConnectionState): boolean {
    return state === 'away' || (this.#noted.size >= MOST_BEFORE_ENDED && !this.#isExiting && !this.#shown.has(part));
  }

  /**
   * Half at once, because a set is slow to find its oldest entry after the ones before it were deleted. What has ended stays: it never
   * changes again, so the viewer would say for ever that it goes on.
   */
  #giveUpOlder(state: ConnectionState): void {
    let left = MOST_NOTED / 2;
    for (const part of this.#noted) {
      if (left-- === 0) break;
      if (!part.hasEnded) this.#noted.delete(part);
    }
    if (state === 'open') report(TOO_MANY);
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
    this.#newest = undefined;
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
    this.#shown.add(part);
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
