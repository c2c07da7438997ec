import { guarded } from '../util/diagnostics.js';
import type { Clock } from './clock.js';
import { resourceBytes, spanBytes } from './otlp/size.js';
import type { ReadableSpan } from './otlp/span.js';
import type { Amount, Counts } from './stats.js';

/** How many spans a request may have. */
export const MAX_REQUEST_SPANS = 512;
/** What a span takes in memory beside its texts; measured with the SDK's. */
export const SPAN_OVERHEAD_BYTES = 1024;

/** Spans whose delivery one caller waits for. */
export class Group {
  readonly settled: Promise<void>;
  lost = 0;
  #left = 0;
  #isSealed = false;
  #resolve: () => void = () => {};

  constructor() {
    this.settled = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  add(): void {
    this.#left++;
  }

  settle(isLost: boolean): void {
    if (isLost) this.lost++;
    if (--this.#left === 0 && this.#isSealed) this.#resolve();
  }

  /** No more spans will be added. */
  seal(): void {
    this.#isSealed = true;
    if (this.#left === 0) this.#resolve();
  }
}

/** A span on its way. */
export interface Item {
  span: ReadableSpan;
  /** The estimated size on the wire. */
  bytes: number;
  /** `undefined` if the span was read from disk: then it is not in memory only, and no caller waits for it. */
  readonly group: Group | undefined;
  failedAt: number | undefined;
  /** Sent, written to disk or dropped. What happens afterwards does not count. */
  isSettled: boolean;
}

export function toItem(span: ReadableSpan, group?: Group): Item {
  return { span, bytes: spanBytes(span), group, failedAt: undefined, isSettled: false };
}

/** How many items from the head fit in so many bytes; at least one. */
export function countWithin(items: readonly Item[], maxBytes: number, maxCount = items.length): number {
  let bytes = 0;
  let count = 0;
  while (count < Math.min(maxCount, items.length)) {
    bytes += (items[count] as Item).bytes;
    if (bytes > maxBytes) break;
    count++;
  }
  return Math.max(1, count);
}

export function sumBytes(items: readonly Item[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function spansOf(items: readonly Item[]): ReadableSpan[] {
  return items.map(({ span }) => span);
}

export interface QueueOptions {
  maxBytes: number;
  scheduledDelayMillis: number;
  clock: Clock;
  counts: Counts;
  /** Where the number of spans in memory is stored too, for other threads. */
  sharedCounter?: Int32Array | undefined;
  /** How large a request of several spans may be at this moment. */
  requestLimit: () => number;
  /** Called when there is something to take. */
  onDue: () => void;
  /** Called before spans are dropped. */
  onDrop: (why: string) => void;
}

/** Spans in memory, bounded in bytes, those under way included. A span waits for others, until a request is full or the delay is over. */
export class Queue {
  readonly #options: QueueOptions;
  readonly #held: Amount = { spans: 0, bytes: 0 };
  readonly #groups = new Set<Group>();
  #items: Item[] = [];
  /** How many items at the head no longer wait for others. */
  #dueCount = 0;
  /** The size of the items that still wait. */
  #waitingBytes = 0;
  #open = new Group();
  #isClosed = false;
  #cancelDelay: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#items.length;
  }

  get dueCount(): number {
    return this.#dueCount;
  }

  /** In memory, under way included. */
  get held(): Readonly<Amount> {
    return this.#held;
  }

  /** The part of the bound that is used, from 0 to 1. */
  get fullness(): number {
    return this.#held.bytes / this.#options.maxBytes;
  }

  /** Takes a span, to be sent with others soon. */
  add(span: ReadableSpan): void {
    const requestBytes = this.#enqueue(span, this.#open);
    if (requestBytes === undefined) return;
    // Where another span like it would not fit: it would go in a request of its own.
    const fullBytes = this.#options.requestLimit() - requestBytes;
    if (this.#waitingBytes > fullBytes || this.#items.length - this.#dueCount >= MAX_REQUEST_SPANS) this.makeDue();
    else this.#cancelDelay ??= this.#options.clock.after(this.#options.scheduledDelayMillis, () => this.makeDue());
  }

  /** Takes spans, to be sent now. */
  addNow(spans: readonly ReadableSpan[]): Group {
    const group = new Group();
    for (const span of spans) this.#enqueue(span, group);
    this.#seal(group);
    this.makeDue();
    return group;
  }

  /** Ends the waiting for others. */
  makeDue(): void {
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#dueCount = this.#items.length;
    this.#waitingBytes = 0;
    this.#options.onDue();
  }

  /** Resolves when every span that was added before is settled. */
  allSettled(): Promise<unknown> {
    this.#seal(this.#open);
    this.#open = new Group();
    this.makeDue();
    return Promise.all([...this.#groups].map(({ settled }) => settled));
  }

  /** Takes items from the head, at least one, at most so many bytes. Only what is due. */
  take(maxBytes: number): Item[] {
    const items = this.#items.splice(0, countWithin(this.#items, maxBytes, this.#dueCount));
    this.#dueCount -= items.length;
    return items;
  }

  /** Puts items back, at the end: an item that fails by its own fault must not keep others from being sent. */
  putBack(items: readonly Item[]): void {
    for (const item of items) {
      this.#items.push(item);
      this.#options.counts.add('retried', 1, item.bytes);
    }
    this.#dueCount = this.#items.length;
    this.#waitingBytes = 0;
  }

  /** Takes everything. Spans that are added later are dropped. */
  close(): Item[] {
    this.#isClosed = true;
    const items = this.#items;
    this.#items = [];
    this.#dueCount = 0;
    return items;
  }

  /** From now on spans are dropped; what is in the queue can still be taken. */
  refuseMore(): void {
    this.#isClosed = true;
  }

  /** Makes the outcome of items final, and counts it. */
  settle(items: readonly Item[], outcome: 'sent' | 'spooled' | 'dropped'): void {
    const { counts } = this.#options;
    for (const item of items) {
      if (item.isSettled) continue;
      item.isSettled = true;
      if (!item.group) {
        // From disk, where what was not delivered still is.
        if (outcome === 'sent') counts.add('replayed', 1, item.bytes);
        else if (outcome === 'dropped') counts.add('dropped', 1, item.bytes);
        continue;
      }
      this.#hold(-1, -item.bytes - SPAN_OVERHEAD_BYTES);
      counts.add(outcome, 1, item.bytes);
      item.group.settle(outcome === 'dropped');
    }
  }

  drop(items: readonly Item[], why: string): void {
    this.#options.onDrop(why);
    this.settle(items, 'dropped');
  }

  /** Replaces an item's span by a smaller one. */
  replace(item: Item, span: ReadableSpan): void {
    const bytes = spanBytes(span);
    if (item.group) this.#held.bytes += bytes - item.bytes;
    item.span = span;
    item.bytes = bytes;
  }

  /** Returns the size of a request with the span alone. A span that can't be read goes no further, where it would cost its neighbours. */
  #enqueue(span: ReadableSpan, group: Group): number | undefined {
    const read = guarded('a span could not be read', () => ({
      item: toItem(span, group),
      sharedBytes: resourceBytes(span),
    }));
    this.#options.counts.add('taken', 1, read?.item.bytes ?? 0);
    group.add();
    if (!read) {
      this.#options.counts.add('dropped', 1, 0);
      group.settle(true);
      return undefined;
    }
    const { item, sharedBytes } = read;
    this.#hold(1, item.bytes + SPAN_OVERHEAD_BYTES);
    if (this.#isClosed) this.drop([item], 'the exporter is shut down');
    else if (this.#held.bytes > this.#options.maxBytes) this.drop([item], 'the queue is full');
    else {
      this.#items.push(item);
      this.#waitingBytes += item.bytes;
    }
    return item.bytes + sharedBytes;
  }

  #hold(spans: number, bytes: number): void {
    this.#held.spans += spans;
    this.#held.bytes += bytes;
    const { sharedCounter } = this.#options;
    if (sharedCounter) Atomics.store(sharedCounter, 0, this.#held.spans);
  }

  #seal(group: Group): void {
    this.#groups.add(group);
    void group.settled.then(() => this.#groups.delete(group));
    group.seal();
  }
}
