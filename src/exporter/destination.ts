import { reportOmission } from '../util/omissions.js';
import { Backoff } from './backoff.js';
import { type Clock, realClock, within } from './clock.js';
import { sharedCounter } from './exit/worker-threads.js';
import { Health } from './health.js';
import type { ReadableSpan } from './otlp/span.js';
import { countWithin, type Group, type Item, Queue, spansOf, toItem } from './queue.js';
import { BATCH_BYTES, type Batch, BatchSender } from './sender/batch-sender.js';
import type { NoBackend, Sender, SendResult } from './sender/sender.js';
import type { SpoolOptions } from './spool/options.js';
import { SpoolStore } from './spool/store.js';
import { Counts, type ExporterStats } from './stats.js';

export interface DestinationOptions {
  name: string;
  /** What reports call it. */
  title: string;
  /** Makes the sender. `report` receives what a person should know, once. */
  createSender: (clock: Clock, report: (message: string) => void) => Sender;
  maxQueueBytes: number;
  maxConcurrentRequests: number;
  maxRequestBytes: number;
  scheduledDelayMillis: number;
  retryTimeoutMillis: number;
  flushTimeoutMillis: number;
  shutdownTimeoutMillis: number;
  spool?: SpoolOptions;
  clock?: Clock;
}

/** From this part of the memory on, spans go to disk though the endpoint works. */
const FILLING = 1 / 2;
/** From this part of the memory on, the oldest files leave a full spool to make room for what is in memory. */
const NEARLY_FULL = 3 / 4;
/** How long a shutdown waits for a backend that was never there. */
const NO_BACKEND_MILLIS = 500;

/**
 * One endpoint, composed of a queue (memory), a sender (requests) and a spool (disk).
 *
 * A span waits in the queue until it is due, is sent with others, and is settled when it was sent, written to disk or dropped.
 * The spans of a request that fails go back: to disk if there is a spool with room, else to the queue.
 */
export class Destination {
  readonly name: string;
  readonly #options: DestinationOptions;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #counts = new Counts();
  readonly #health: Health;
  readonly #queue: Queue;
  readonly #sender: Sender;
  readonly #batches: BatchSender;
  readonly #store: SpoolStore | undefined;
  readonly #sending = new Set<Batch>();
  #writing: Batch | undefined;
  /** What a shutdown is just writing to disk: `exit` finds it here, as the process may end before that is done. */
  #left: Item[] = [];
  /** `open`, then `closing` while a shutdown tries everything once more, then `over`: what is still under way does not count. */
  #state: 'open' | 'closing' | 'over' = 'open';
  #closed: Promise<void> = Promise.resolve();
  #closingSince = 0;
  #cancelPause: (() => void) | undefined;
  #cancelGiveUp: (() => void) | undefined;
  #noBackend: NoBackend | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: DestinationOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#backoff = new Backoff(options.maxRequestBytes, this.#clock);
    this.#health = new Health(options.title, this.#counts, this.#clock);
    this.#sender = options.createSender(this.#clock, (message) => this.#health.note(message, true));
    this.#queue = new Queue({
      maxBytes: options.maxQueueBytes,
      scheduledDelayMillis: options.scheduledDelayMillis,
      clock: this.#clock,
      counts: this.#counts,
      sharedCounter: sharedCounter(options.name),
      requestLimit: () => this.#backoff.requestLimit,
      onDue: () => this.#pump(),
      onDrop: (why) => this.#health.losing(why),
    });
    this.#batches = new BatchSender({
      sender: this.#sender,
      backoff: this.#backoff,
      health: this.#health,
      counts: this.#counts,
      queue: this.#queue,
      clock: this.#clock,
      isOver: () => this.#state === 'over',
      onRetry: (result) => this.#mayGiveUp(result),
    });
    if (options.spool) this.#store = this.#openSpool(options.spool);
  }

  #openSpool(options: SpoolOptions): SpoolStore {
    return new SpoolStore(options, this.#clock, {
      onSaved: (items) => this.#queue.settle(items, 'spooled'),
      onUnwritable: (items) => this.#queue.drop(items, "they can't be encoded"),
      onFailure: (what) => this.#health.failed(what),
      onLost: (why, spans, bytes) => {
        this.#health.losing(`on disk, because ${why}`);
        this.#counts.add('dropped', spans, bytes);
      },
      onScanned: () => this.#pump(),
    });
  }

  /** Takes a span, to be sent with others soon. */
  add(span: ReadableSpan): void {
    this.#queue.add(span);
  }

  /** Takes spans, to be sent now. */
  addNow(spans: readonly ReadableSpan[]): Group {
    return this.#queue.addNow(spans);
  }

  /** Resolves when every span that was added before is sent, on disk or dropped, or after `flushTimeoutMillis`. */
  async flush(): Promise<void> {
    await within(this.#clock, this.#options.flushTimeoutMillis, this.#queue.allSettled(), true);
  }

  /** The process has nothing else to do: sends what waits for others. A request under way keeps the process alive, a pause does not. */
  sendWaiting(): void {
    if (this.#state === 'open' && this.#queue.length > 0) this.#queue.makeDue();
  }

  /** Tries everything once more, within `shutdownTimeoutMillis`. What is left then goes to disk, or is dropped. */
  shutdown(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#closed = this.#close();
    }
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closingSince = this.#clock.now();
    const deadline = this.#closingSince + this.#options.shutdownTimeoutMillis;
    this.#queue.refuseMore();
    this.#store?.stopScanning();
    this.#backoff.endPause();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    this.#queue.makeDue();
    await within(this.#clock, this.#options.shutdownTimeoutMillis, idle, true);
    this.#cancelPause?.();
    this.#cancelGiveUp?.();
    await this.#abandon();
    // An async function, so that an error that it throws is a rejection too.
    const shutSenderDown = async () => this.#sender.shutdown();
    const closed = shutSenderDown().catch(() => {});
    await within(this.#clock, Math.max(0, deadline - this.#clock.now()), closed, true);
    this.#health.close();
  }

  stats(): ExporterStats {
    return this.#counts.snapshot(this.#queue.held);
  }

  /** The process ends: what is only in memory goes to disk, or is reported as lost. Synchronous. */
  exit(): void {
    const items = this.#takeEverything();
    if (items.length === 0) return;
    let why = 'the process ended without a shutdown';
    try {
      while (this.#store && items.length > 0) {
        const batch = items.slice(0, countWithin(items, BATCH_BYTES));
        this.#store.saveSync(batch);
        items.splice(0, batch.length);
      }
    } catch (error) {
      why += `, and the spool can't be written: ${(error as Error).message}`;
    }
    if (items.length > 0 && this.#sender.sendSync?.(spansOf(items))) this.#queue.settle(items, 'sent');
    else if (items.length > 0) {
      this.#queue.drop(items, why);
      reportOmission('RUNTRACE_NOT_FLUSHED', `${items.length} spans for ${this.#options.title}`, { atExit: true });
    }
    this.#health.close();
  }

  /** Starts as much work as may be done now. */
  #pump(): void {
    if (this.#state === 'over') return;
    const { isDown, isPaused } = this.#backoff;
    const store = this.#store?.isPaused ? undefined : this.#store;
    const writeAhead = this.#options.spool?.writeAhead ?? false;
    const hasRoom = store?.hasRoom || this.#queue.fullness > NEARLY_FULL;
    const toDisk = hasRoom && (isDown || writeAhead);
    const isFilling = hasRoom && this.#queue.fullness > FILLING;
    if (store && (toDisk || isFilling) && this.#queue.dueCount > 0 && !this.#writing) this.#startWriting();
    const concurrency = isDown ? 1 : this.#options.maxConcurrentRequests;
    const mayReplay = store && (this.#state === 'open' || (writeAhead && !isDown));
    while (!isPaused && this.#sending.size < concurrency) {
      const fromQueue = this.#queue.dueCount > 0 && !(store && toDisk);
      if (!fromQueue && !(mayReplay && store.hasFiles)) break;
      this.#startSending(fromQueue ? this.#queue.take(BATCH_BYTES) : undefined);
    }
    this.#cancelPause?.();
    this.#cancelPause = isPaused
      ? this.#clock.after(this.#backoff.pausedUntil - this.#clock.now(), () => this.#pump())
      : undefined;
    if (this.#sending.size === 0 && !this.#writing && this.#queue.length === 0) this.#onIdle?.();
  }

  #startWriting(): void {
    const batch: Batch = { items: this.#queue.take(BATCH_BYTES), refused: [], file: undefined };
    this.#writing = batch;
    void this.#write(batch).finally(() => {
      this.#writing = undefined;
      this.#pump();
    });
  }

  /** Without items it is the oldest file of the spool that is sent. */
  #startSending(items: Item[] | undefined): void {
    const batch: Batch = { items: items ?? [], refused: [], file: undefined };
    this.#sending.add(batch);
    void this.#send(batch, items === undefined).finally(() => {
      this.#sending.delete(batch);
      this.#pump();
    });
  }

  async #send(batch: Batch, isReplay: boolean): Promise<void> {
    try {
      if (isReplay) {
        const taken = await this.#store?.take();
        if (!taken) return;
        batch.file = taken.file;
        batch.items = taken.spans.map((span) => toItem(span));
      }
      await this.#batches.send(batch);
      if (this.#state !== 'over') await this.#keep(batch);
    } catch (error) {
      const items = [...batch.items, ...batch.refused];
      if (batch.file) await this.#store?.giveBack(batch.file, [], items);
      else this.#queue.drop(items, `they can't be read: ${(error as Error).message}`);
    }
  }

  async #write(batch: Batch): Promise<void> {
    await this.#batches.resourcesOf(batch.items);
    if (!(await this.#save(batch.items)) && this.#state !== 'over') this.#putBack(batch.items);
  }

  /** Finds a place for what a batch still has: on disk, in the queue, or none. */
  async #keep({ items, refused, file }: Batch): Promise<void> {
    if (file) {
      await this.#store?.giveBack(file, items, refused);
      this.#queue.settle([...items, ...refused], 'spooled');
      return;
    }
    if (refused.length > 0 && !(await this.#save(refused, true))) {
      this.#queue.drop(refused, 'the endpoint refused them');
    }
    if (items.length > 0 && !(await this.#save(items))) this.#putBack(items);
  }

  async #save(items: readonly Item[], isRefused = false): Promise<boolean> {
    const mayEvict = this.#state === 'over' || this.#queue.fullness > NEARLY_FULL;
    return (await this.#store?.save(items, mayEvict, isRefused)) ?? false;
  }

  /** Spans that wait because the spool is full are kept as long as there is memory; those without one have their time. */
  #putBack(items: readonly Item[]): void {
    const now = this.#clock.now();
    const isOverflow = this.#store && !this.#store.isPaused;
    const expired: Item[] = [];
    const kept: Item[] = [];
    for (const item of items) {
      item.failedAt ??= now;
      const isExpired = !isOverflow && now - item.failedAt >= this.#options.retryTimeoutMillis;
      (isExpired ? expired : kept).push(item);
    }
    this.#queue.putBack(kept);
    if (expired.length > 0) this.#queue.drop(expired, 'they could not be delivered in time');
  }

  /**
   * A shutdown gives up within a second if the failure tells that there is no backend, nothing was ever delivered, and there is no spool:
   * then the program runs without a backend. One on another machine may start late: there a refused connection tells nothing.
   */
  #mayGiveUp({ noBackend }: SendResult & { kind: 'retry' }): void {
    if (this.#state !== 'closing' || this.#cancelGiveUp) return;
    if (!noBackend || this.#batches.hasDelivered || this.#store) return;
    if (noBackend === 'nothing listens there' && !this.#sender.isLoopback) return;
    this.#noBackend = noBackend;
    const left = Math.max(0, this.#closingSince + NO_BACKEND_MILLIS - this.#clock.now());
    this.#cancelGiveUp = this.#clock.after(left, () => this.#onIdle?.());
  }

  /** The time is over: what is left goes to disk or is dropped, requests under way no longer count. */
  async #abandon(): Promise<void> {
    const why = this.#noBackend ?? 'the endpoint did not accept them until shutdown';
    const left = this.#takeEverything();
    this.#left = left;
    if (left.length > 0 && !this.#batches.hasDelivered) this.#health.firstFailed(why);
    this.#store?.endPause();
    while (left.length > 0) {
      const batch = left.slice(0, countWithin(left, BATCH_BYTES));
      if (!(await this.#save(batch))) this.#queue.drop(batch, why);
      left.splice(0, batch.length);
    }
    await this.#store?.close();
  }

  /** All that is only in memory. A request under way may still arrive. */
  #takeEverything(): Item[] {
    this.#state = 'over';
    const batches = [...this.#sending, ...(this.#writing ? [this.#writing] : [])].filter(({ file }) => !file);
    const underWay = batches.flatMap(({ items, refused }) => [...items, ...refused]);
    const items = new Set([...underWay, ...this.#left, ...this.#queue.close()]);
    return [...items].filter(({ isSettled }) => !isSettled);
  }
}
