import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { TRUNCATED_BYTES } from '../otel/names.js';
import { guarded, report } from '../util/diagnostics.js';
import { Pace, TARGET_BYTES } from './backoff.js';
import { type Clock, realClock } from './clock.js';
import { Trouble } from './health.js';
import { shrink } from './otlp/shrink.js';
import { resourceBytes, spanBytes } from './otlp/size.js';
import type { ReadableSpan, SpanExporter } from './otlp/span.js';
import { countWithin, Group, type Item, type Load, spansOf, sumBytes, toItem } from './queue.js';
import { Spool, type SpoolFile, type SpoolOptions } from './spool/spool.js';
import { Counts, type ExporterStats } from './stats.js';
import { type Verdict, verdictOf } from './verdict.js';

export interface DestinationOptions {
  name: string;
  /** What does the sending. Its callback is all that is known of the endpoint. */
  sender: SpanExporter;
  maxQueueBytes: number;
  maxConcurrentRequests: number;
  maxRequestBytes: number;
  scheduledDelayMillis: number;
  retryTimeoutMillis: number;
  /** A sender that has not called back by then has failed. */
  requestTimeoutMillis: number;
  flushTimeoutMillis: number;
  shutdownTimeoutMillis: number;
  spool?: SpoolOptions;
  clock?: Clock;
}

const MAX_REQUEST_SPANS = 512;
/** What a worker takes at once, and what a file of the spool holds. */
const LOAD_BYTES = TARGET_BYTES;
/** What a span takes in memory beside its texts; measured with the SDK's. */
const SPAN_OVERHEAD_BYTES = 1024;
const RESOURCE_MILLIS = 10_000;
const SPOOL_SCAN_MILLIS = 60_000;
/** After a write that failed, the disk is left alone for a while. */
const SPOOL_PAUSE_MILLIS = 10_000;
/** The SDK's own key: without it the instrumentation of HTTP would trace our requests. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * One place that spans go to, with a queue, retries and a spool of its own.
 *
 * A span waits in the queue until it is due, goes out with others, and is settled when it was sent, put on disk or dropped. A
 * request that fails puts its spans back: on disk where there is a spool, else in the queue.
 */
export class Destination {
  readonly name: string;
  readonly #options: DestinationOptions;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #counts = new Counts();
  readonly #trouble: Trouble;
  readonly #spool: Spool | undefined;

  #queue: Item[] = [];
  /** How many at the head of the queue wait no longer for company. */
  #due = 0;
  /** What those weigh that do wait. */
  #gatheredBytes = 0;
  #held = { spans: 0, bytes: 0 };
  #open = new Group();
  readonly #groups = new Set<Group>();
  readonly #sending = new Set<Load>();
  #writing: Load | undefined;
  /** The end of the last write. */
  #disk: Promise<unknown> = Promise.resolve();
  #spoolPausedUntil = 0;
  #isClosing = false;
  #closed: Promise<void> = Promise.resolve();
  /** Nothing that is still under way counts any more. */
  #isOver = false;
  /** Resources that had their time. */
  readonly #waitedFor = new WeakSet<object>();
  #cancelDelay: (() => void) | undefined;
  #cancelPause: (() => void) | undefined;
  #cancelScan: (() => void) | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: DestinationOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#pace = new Pace(options.maxRequestBytes, this.#clock);
    this.#trouble = new Trouble(options.name, this.#counts, this.#clock);
    if (options.spool) {
      this.#spool = new Spool(options.spool, (why, spans, bytes) => this.#countLost(why, spans, bytes));
      this.#scanSpool();
    }
  }

  /** Takes a span, to go out with others soon. */
  add(span: ReadableSpan): void {
    const bytes = this.#enqueue(span, this.#open);
    if (bytes === undefined) return;
    // Where another one like it would not fit: the one too many would go in a request of its own.
    const fullBytes = this.#pace.requestLimit - bytes - resourceBytes(span);
    if (this.#gatheredBytes > fullBytes || this.#queue.length - this.#due >= MAX_REQUEST_SPANS) {
      this.#makeDue();
    } else {
      this.#cancelDelay ??= this.#clock.after(this.#options.scheduledDelayMillis, () => this.#makeDue());
    }
  }

  /** Takes spans, to go out now. */
  addNow(spans: readonly ReadableSpan[]): Group {
    const group = new Group();
    for (const span of spans) this.#enqueue(span, group);
    this.#seal(group);
    this.#makeDue();
    return group;
  }

  /** Resolves when everything that was taken before is sent, on disk or dropped, or when the time for it is over. */
  async flush(): Promise<void> {
    this.#seal(this.#open);
    this.#open = new Group();
    this.#makeDue();
    await this.#within(this.#options.flushTimeoutMillis, Promise.all([...this.#groups].map(({ settled }) => settled)));
  }

  /** One last try for everything; what is left when the time is over goes to disk or is dropped. */
  shutdown(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#closed = this.#close();
    }
    return this.#closed;
  }

  async #close(): Promise<void> {
    const deadline = this.#clock.now() + this.#options.shutdownTimeoutMillis;
    this.#cancelScan?.();
    this.#pace.pausedUntil = 0;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    this.#makeDue();
    await this.#within(this.#options.shutdownTimeoutMillis, idle);
    this.#cancelPause?.();
    await this.#abandon();
    // An async function: what it throws is a rejection too.
    const shutSenderDown = async () => this.#options.sender.shutdown();
    await this.#within(
      Math.max(0, deadline - this.#clock.now()),
      shutSenderDown().catch(() => {}),
    );
    this.#trouble.close();
  }

  stats(): ExporterStats {
    return this.#counts.snapshot(this.#held);
  }

  /** For the moment in which the process ends: everything that is only in memory goes to disk, or is reported. */
  exit(): void {
    const items = this.#takeEverything();
    if (items.length === 0) return;
    try {
      if (!this.#spool) throw new Error('there is no spool');
      while (items.length > 0) {
        const load = items.slice(0, countWithin(items, LOAD_BYTES));
        this.#spool.writeSync(spansOf(load));
        this.#settleAll(load, 'spooled');
        items.splice(0, load.length);
      }
    } catch (error) {
      this.#drop(items, 'the process ended without a shutdown', error);
    }
    this.#trouble.close();
  }

  /** Returns what the span weighs, if it could be read. */
  #enqueue(span: ReadableSpan, group: Group): number | undefined {
    const item = guarded('a span could not be read', () => toItem(span, group));
    this.#counts.add('taken', 1, item?.bytes ?? 0);
    group.add();
    if (!item) {
      this.#counts.add('dropped', 1, 0);
      group.settle(true);
      return undefined;
    }
    this.#held.spans++;
    this.#held.bytes += item.bytes + SPAN_OVERHEAD_BYTES;
    if (this.#isClosing) this.#drop([item], 'the exporter is shut down');
    else if (this.#held.bytes > this.#options.maxQueueBytes) this.#drop([item], 'the queue is full');
    else {
      this.#queue.push(item);
      this.#gatheredBytes += item.bytes;
    }
    return item.bytes;
  }

  #seal(group: Group): void {
    this.#groups.add(group);
    void group.settled.then(() => this.#groups.delete(group));
    group.seal();
  }

  #makeDue(): void {
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#due = this.#queue.length;
    this.#gatheredBytes = 0;
    this.#pump();
  }

  /** Starts as much work as may be done now. */
  #pump(): void {
    if (this.#isOver) return;
    const { isDown, isPaused } = this.#pace;
    const spool = this.#clock.now() >= this.#spoolPausedUntil ? this.#spool : undefined;
    const writeAhead = this.#options.spool?.writeAhead ?? false;
    const isFilling = this.#held.bytes > this.#options.maxQueueBytes / 2;
    if (spool && (isDown || isFilling || writeAhead) && this.#due > 0 && !this.#writing) {
      const load = this.#takeLoad();
      this.#writing = load;
      void this.#write(load).finally(() => {
        this.#writing = undefined;
        this.#pump();
      });
    }
    const concurrency = isDown ? 1 : this.#options.maxConcurrentRequests;
    const mayReplay = spool && (!this.#isClosing || (writeAhead && !isDown));
    while (!isPaused && this.#sending.size < concurrency) {
      const fromQueue = this.#due > 0 && !(spool && (isDown || writeAhead));
      if (!fromQueue && !(mayReplay && spool.hasFiles)) break;
      const load = fromQueue ? this.#takeLoad() : { items: [], refused: [], file: undefined };
      this.#sending.add(load);
      void this.#work(load, !fromQueue).finally(() => {
        this.#sending.delete(load);
        this.#pump();
      });
    }
    this.#cancelPause?.();
    this.#cancelPause = isPaused
      ? this.#clock.after(this.#pace.pausedUntil - this.#clock.now(), () => this.#pump())
      : undefined;
    if (this.#sending.size === 0 && !this.#writing && this.#queue.length === 0) this.#onIdle?.();
  }

  #takeLoad(): Load {
    const items = this.#queue.splice(0, countWithin(this.#queue, LOAD_BYTES, this.#due));
    this.#due -= items.length;
    return { items, refused: [], file: undefined };
  }

  async #work(load: Load, isReplay: boolean): Promise<void> {
    try {
      if (isReplay) {
        load.file = await this.#spool?.take();
        if (!load.file) return;
        load.items = ((await this.#spool?.read(load.file)) ?? []).map((span) => toItem(span));
      }
      await this.#send(load);
    } catch (error) {
      if (load.file) await this.#spool?.release(load.file, true).catch(() => {});
      if (isReplay) this.#pauseSpool('a file of the spool could not be read', error);
      else this.#drop([...load.items, ...load.refused], 'they could not be read', error);
    }
  }

  /** Sends a load in as many requests as it takes, until one fails; then finds a place for the rest. */
  async #send(load: Load): Promise<void> {
    await this.#resourcesOf(load.items);
    while (load.items.length > 0 && !this.#isOver) {
      const batch = this.#batchOf(load.items);
      const verdict = await this.#request(batch);
      if (this.#isOver || verdict === 'retry') break;
      if (verdict === 'too_large') {
        if (this.#makeSmaller(batch)) continue;
        this.#reject(batch, new Error('it is too large, and nothing can be cut from it'));
      }
      load.items.splice(0, batch.length);
      if (verdict === 'sent') this.#settleAll(batch, 'sent');
      else load.refused.push(...batch);
    }
    if (!this.#isOver) await this.#keep(load);
  }

  /** As many as fit in a request, or one that is cut to fit. */
  #batchOf(items: readonly Item[]): Item[] {
    const first = items[0] as Item;
    const room = this.#pace.requestLimit - resourceBytes(first.span);
    const batch = items.slice(0, countWithin(items, room, MAX_REQUEST_SPANS));
    if (batch.length === 1) this.#cut(first);
    return batch;
  }

  /** Learns from a request that was too large. Returns whether the next one will be smaller. */
  #makeSmaller(batch: Item[]): boolean {
    const bytes = sumBytes(batch);
    if (!this.#pace.tooLarge(bytes, batch.length === 1)) return false;
    if (batch.length === 1) return this.#cut(batch[0] as Item);
    this.#counts.add('split', batch.length, bytes);
    return true;
  }

  #cut(item: Item): boolean {
    const excess = item.bytes + resourceBytes(item.span) - this.#pace.spanLimit;
    const cut = excess > 0 ? shrink(item.span, excess) : undefined;
    if (!cut) return false;
    const isFirstCut = item.span.attributes[TRUNCATED_BYTES] === undefined;
    this.#counts.add('truncated', isFirstCut ? 1 : 0, cut.cutBytes);
    if (isFirstCut) report('a span was too large to be sent, and lost the ends of its longest texts');
    if (item.group) this.#held.bytes += spanBytes(cut.span) - item.bytes;
    item.span = cut.span;
    item.bytes = spanBytes(cut.span);
    return true;
  }

  #request(batch: Item[]): Promise<Verdict> {
    const ticket = this.#pace.ticket();
    const spans = spansOf(batch);
    return new Promise((resolve) => {
      let isDone = false;
      const done = (verdict: Verdict, error?: unknown) => {
        if (isDone) return;
        isDone = true;
        cancel();
        if (!this.#isOver) this.#learn(verdict, ticket, batch, error);
        resolve(verdict);
      };
      const timeout = this.#options.requestTimeoutMillis;
      const cancel = this.#clock.after(timeout, () => done('retry', new Error(`no answer within ${timeout} ms`)));
      context.with(ROOT_CONTEXT.setValue(SUPPRESS_TRACING, true), () => {
        try {
          this.#options.sender.export(spans, (result) => done(verdictOf(result), result?.error));
        } catch (error) {
          done('refused', error);
        }
      });
    });
  }

  #learn(verdict: Verdict, ticket: number, batch: Item[], error: unknown): void {
    if (verdict === 'sent') {
      this.#pace.wentWell(sumBytes(batch));
      this.#trouble.eases();
    } else if (verdict === 'retry') {
      this.#trouble.begins('requests fail and are tried again', error);
      this.#pace.failed(ticket);
    } else if (verdict === 'refused') {
      this.#reject(batch, error);
    }
  }

  #reject(batch: Item[], error: unknown): void {
    this.#trouble.begins('requests are refused', error);
    this.#counts.add('rejected', batch.length, sumBytes(batch));
  }

  /** Finds a place for what a load still has: on disk, in the queue, or none. */
  async #keep({ items, refused, file }: Load): Promise<void> {
    if (file) {
      await this.#keepOnDisk(items, refused, file);
      return;
    }
    if (refused.length > 0 && !(await this.#toDisk(refused, true))) this.#drop(refused, 'the endpoint refused them');
    if (items.length > 0 && !(await this.#toDisk(items))) this.#requeue(items);
  }

  async #keepOnDisk(items: Item[], refused: Item[], file: SpoolFile): Promise<void> {
    const spool = this.#spool as Spool;
    try {
      const untouched = [items, refused].find(({ length }) => length === file.spans);
      if (untouched) {
        await spool.release(file, untouched === refused);
      } else {
        // Some of it is delivered, or torn: only the rest may be sent again.
        if (items.length > 0) await spool.write(spansOf(items), file.atMillis);
        if (refused.length > 0) spool.setAside(await spool.write(spansOf(refused), file.atMillis));
        await spool.remove(file);
      }
    } catch (error) {
      this.#pauseSpool('the spool can not be written', error);
      await spool.release(file).catch(() => {});
    }
    this.#settleAll([...items, ...refused], 'spooled');
  }

  /** One write at a time: whoever comes second, at a shutdown, finds the spans settled. */
  #toDisk(items: readonly Item[], isRefused = false): Promise<boolean> {
    const written = this.#disk.then(() => this.#writeToDisk(items, isRefused));
    this.#disk = written;
    return written;
  }

  async #writeToDisk(all: readonly Item[], isRefused: boolean): Promise<boolean> {
    const items = all.filter(({ isSettled }) => !isSettled);
    if (items.length === 0) return true;
    if (!this.#spool || this.#clock.now() < this.#spoolPausedUntil) return false;
    try {
      const file = await this.#spool.write(spansOf(items));
      if (isRefused) this.#spool.setAside(file);
      this.#settleAll(items, 'spooled');
      return true;
    } catch (error) {
      this.#pauseSpool('the spool can not be written', error);
      return false;
    }
  }

  async #write(load: Load): Promise<void> {
    await this.#resourcesOf(load.items);
    if (!(await this.#toDisk(load.items)) && !this.#isOver) this.#requeue(load.items);
  }

  /** Back to the end of the queue: what fails by its own fault must not keep others from going out. */
  #requeue(items: Item[]): void {
    const now = this.#clock.now();
    const expired: Item[] = [];
    for (const item of items) {
      item.failedAt ??= now;
      if (now - item.failedAt >= this.#options.retryTimeoutMillis) {
        expired.push(item);
        continue;
      }
      this.#queue.push(item);
      this.#counts.add('retried', 1, item.bytes);
    }
    this.#due = this.#queue.length;
    if (expired.length > 0) this.#drop(expired, 'they could not be delivered in time');
  }

  #settleAll(items: readonly Item[], outcome: 'sent' | 'spooled' | 'dropped'): void {
    for (const item of items) {
      if (item.isSettled) continue;
      item.isSettled = true;
      if (!item.group) {
        // It came from disk, and what is not sent is still there.
        if (outcome === 'sent') this.#counts.add('replayed', 1, item.bytes);
        continue;
      }
      this.#held.spans--;
      this.#held.bytes -= item.bytes + SPAN_OVERHEAD_BYTES;
      this.#counts.add(outcome, 1, item.bytes);
      item.group.settle(outcome === 'dropped');
    }
  }

  #drop(items: readonly Item[], why: string, error?: unknown): void {
    this.#trouble.begins(`spans are lost: ${why}`, error);
    this.#settleAll(items, 'dropped');
  }

  #countLost(why: string, spans: number, bytes: number): void {
    this.#trouble.begins(`spans on disk are lost: ${why}`);
    this.#counts.add('dropped', spans, bytes);
  }

  #pauseSpool(what: string, error: unknown): void {
    this.#trouble.begins(what, error);
    this.#spoolPausedUntil = this.#clock.now() + SPOOL_PAUSE_MILLIS;
  }

  #scanSpool(): void {
    const scanned = this.#spool?.scan().catch((error) => this.#pauseSpool('the spool can not be read', error));
    void scanned?.then(() => {
      if (this.#isClosing) return;
      this.#pump();
      this.#cancelScan = this.#clock.after(SPOOL_SCAN_MILLIS, () => this.#scanSpool());
    });
  }

  /** The time is over: what is left goes to disk or is dropped, whatever becomes of the requests under way. */
  async #abandon(): Promise<void> {
    // Still where `exit` finds it: the process may end before all of it is on disk.
    this.#queue = this.#takeEverything();
    this.#spoolPausedUntil = 0;
    while (this.#queue.length > 0) {
      const load = this.#queue.slice(0, countWithin(this.#queue, LOAD_BYTES));
      if (!(await this.#toDisk(load))) this.#drop(load, 'the endpoint did not take them until shutdown');
      this.#queue.splice(0, load.length);
    }
    await this.#spool?.close();
  }

  /** All that is only in memory. A request under way may still arrive. */
  #takeEverything(): Item[] {
    this.#isOver = true;
    const loads = [...this.#sending, ...(this.#writing ? [this.#writing] : [])].filter(({ file }) => !file);
    const items = new Set([...loads.flatMap(({ items, refused }) => [...items, ...refused]), ...this.#queue]);
    this.#queue = [];
    this.#due = 0;
    return [...items].filter(({ isSettled }) => !isSettled);
  }

  /** What resource detectors have not found out yet is waited for, but not for ever, and once. */
  async #resourcesOf(items: readonly Item[]): Promise<void> {
    const pending = new Set(items.map(({ span }) => span.resource).filter((it) => it.asyncAttributesPending));
    for (const resource of pending) if (this.#waitedFor.has(resource)) pending.delete(resource);
    if (pending.size === 0) return;
    await this.#within(RESOURCE_MILLIS, Promise.all([...pending].map((it) => it.waitForAsyncAttributes?.())));
    for (const resource of pending) this.#waitedFor.add(resource);
  }

  async #within(millis: number, work: Promise<unknown>): Promise<void> {
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#clock.after(millis, resolve, true);
    });
    await Promise.race([work, timeout]).finally(cancel);
  }
}
