import { sendableSpan } from './otlp/sendable.js';
import { spanBytes } from './otlp/size.js';
import type { ReadableSpan } from './otlp/span.js';
import type { SpoolFile } from './spool/spool.js';

/** Spans whose fate somebody waits for. */
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
  /** On the wire, estimated. */
  bytes: number;
  /** Who waits for it; nobody if it was read from disk. */
  readonly group: Group | undefined;
  failedAt: number | undefined;
  /** Sent, put on disk or dropped: what comes after does not count. */
  isSettled: boolean;
}

/** What one worker has in hand: about a request. */
export interface Load {
  /** What is neither delivered nor refused yet. */
  items: Item[];
  refused: Item[];
  /** Where it is on disk as well. */
  file: SpoolFile | undefined;
}

export function toItem(ended: ReadableSpan, group?: Group): Item {
  const span = sendableSpan(ended);
  return { span, bytes: spanBytes(span), group, failedAt: undefined, isSettled: false };
}

/** How many from the head fit in so many bytes; at least one. */
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
