import { TRUNCATED_BYTES } from '../../otel/names.js';
import { untraced } from '../../otel/root-context.js';
import { report } from '../../util/diagnostics.js';
import { type Backoff, TARGET_BYTES } from '../backoff.js';
import { type Clock, within } from '../clock.js';
import type { Health } from '../health.js';
import { shrink } from '../otlp/shrink.js';
import { resourceBytes } from '../otlp/size.js';
import { countWithin, type Item, MAX_REQUEST_SPANS, type Queue, spansOf, sumBytes } from '../queue.js';
import type { SpoolFile } from '../spool/file.js';
import type { Counts } from '../stats.js';
import type { Sender, SendResult } from './sender.js';

/** What a worker takes at once, and what a file of the spool holds. */
export const BATCH_BYTES = TARGET_BYTES;

/** What one worker sends: about a request. */
export interface Batch {
  /** Not delivered and not refused yet. */
  items: Item[];
  refused: Item[];
  /** Where the spans are on disk, if they were read from there. */
  file: SpoolFile | undefined;
}

export interface BatchSenderParts {
  sender: Sender;
  backoff: Backoff;
  health: Health;
  counts: Counts;
  queue: Queue;
  clock: Clock;
  /** Whether what is still under way no longer counts. */
  isOver: () => boolean;
  /** Called with each failed request. */
  onRetry: (result: SendResult & { kind: 'retry' }) => void;
}

const RESOURCE_MILLIS = 10_000;
/** How long an exporter may have no room for a request before that counts as a failure, and how often it is asked. */
const BUSY_MILLIS = 10_000;
const BUSY_PAUSE_MILLIS = 100;

/** Sends a batch in as many requests as it takes, and learns from the answers. */
export class BatchSender {
  readonly #parts: BatchSenderParts;
  /** Resources that were waited for. */
  readonly #waitedFor = new WeakSet<object>();
  #hasDelivered = false;

  constructor(parts: BatchSenderParts) {
    this.#parts = parts;
  }

  /** Whether the endpoint has ever accepted anything. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  /** Sends until everything is delivered or refused, or until a request fails. The rest stays in the batch. */
  async send(batch: Batch): Promise<void> {
    const { queue, isOver } = this.#parts;
    await this.resourcesOf(batch.items);
    let mostSpans = MAX_REQUEST_SPANS;
    while (batch.items.length > 0 && !isOver()) {
      const items = this.#nextRequest(batch.items, mostSpans);
      const result = await this.#request(items);
      if (isOver() || result.kind === 'retry' || result.kind === 'busy') return;
      if (result.kind === 'too_large' && this.#makeSmaller(items)) continue;
      if (result.kind === 'unwritable' && items.length > 1) {
        mostSpans = Math.ceil(items.length / 2);
        continue;
      }
      if (items.length === 1) mostSpans = MAX_REQUEST_SPANS;
      batch.items.splice(0, items.length);
      if (result.kind === 'accepted') queue.settle(items, 'sent');
      else if (result.kind === 'rejected') this.#settlePartly(items, result.count);
      else {
        this.#reject(
          items,
          result.kind === 'too_large' ? `too large, and nothing can be cut: ${result.why}` : result.why,
        );
        batch.refused.push(...items);
      }
    }
  }

  /** Waits for attributes that resource detectors have not found yet: once for each resource, and not for ever. */
  async resourcesOf(items: readonly Item[]): Promise<void> {
    const pending = new Set(items.map(({ span }) => span.resource).filter((it) => it.asyncAttributesPending));
    for (const resource of pending) if (this.#waitedFor.has(resource)) pending.delete(resource);
    if (pending.size === 0) return;
    const found = Promise.all([...pending].map((it) => it.waitForAsyncAttributes?.())).catch(() => {});
    await within(this.#parts.clock, RESOURCE_MILLIS, found);
    for (const resource of pending) this.#waitedFor.add(resource);
  }

  /** As many items as fit in a request, or one that is cut to fit. */
  #nextRequest(items: readonly Item[], mostSpans: number): Item[] {
    const { backoff } = this.#parts;
    const first = items[0] as Item;
    const room = backoff.requestLimit - resourceBytes(first.span);
    const request = items.slice(0, countWithin(items, room, mostSpans));
    if (request.length === 1) this.#cut(first);
    return request;
  }

  /** Learns from a request that was too large. Returns whether the next one will be smaller. */
  #makeSmaller(items: Item[]): boolean {
    const bytes = sumBytes(items);
    if (!this.#parts.backoff.tooLarge(bytes, items.length === 1)) return false;
    if (items.length === 1) return this.#cut(items[0] as Item);
    this.#parts.counts.add('split', items.length, bytes);
    return true;
  }

  #cut(item: Item): boolean {
    const { backoff, counts, queue } = this.#parts;
    const excess = item.bytes + resourceBytes(item.span) - backoff.spanLimit;
    const cut = excess > 0 ? shrink(item.span, excess) : undefined;
    if (!cut) return false;
    const isFirstCut = item.span.attributes[TRUNCATED_BYTES] === undefined;
    counts.add('truncated', isFirstCut ? 1 : 0, cut.cutBytes);
    if (isFirstCut) report('a span was too large to be sent, and lost the ends of its longest texts');
    queue.replace(item, cut.span);
    return true;
  }

  async #request(items: readonly Item[]): Promise<SendResult> {
    const { backoff, sender, clock, isOver } = this.#parts;
    const ticket = backoff.ticket();
    const busyUntil = clock.now() + BUSY_MILLIS;
    for (;;) {
      const result = await untraced(() => sender.send(spansOf(items)));
      if (isOver()) return result;
      if (result.kind !== 'busy') {
        this.#learn(result, ticket, items);
        return result;
      }
      if (clock.now() >= busyUntil) {
        const failure: SendResult = { kind: 'retry', why: `the exporter had no room for ${BUSY_MILLIS} ms` };
        this.#learn(failure, ticket, items);
        return failure;
      }
      await new Promise<void>((resolve) => clock.after(BUSY_PAUSE_MILLIS, resolve));
    }
  }

  #learn(result: SendResult, ticket: number, items: readonly Item[]): void {
    const { backoff, health, onRetry } = this.#parts;
    if (result.kind === 'accepted' || result.kind === 'rejected') {
      if (result.kind === 'accepted' || result.count < items.length) this.#hasDelivered = true;
      backoff.accepted(sumBytes(items));
      health.succeeded();
      if (result.kind === 'rejected') {
        const what = result.count > 0 ? `rejected ${result.count} of ${items.length} spans` : 'warns';
        health.note(`the endpoint ${what}: ${result.why}`, this.#hasDelivered);
      }
    } else if (result.kind === 'retry') {
      health.requestFailed(`requests fail and are tried again: ${result.why}`, this.#hasDelivered);
      backoff.failed(ticket, result.at);
      onRetry(result);
    }
  }

  #reject(items: readonly Item[], why: string): void {
    this.#parts.health.requestFailed(`requests are refused: ${why}`, this.#hasDelivered);
    this.#parts.counts.add('rejected', items.length, sumBytes(items));
  }

  /** A partial success does not tell which spans were rejected: only how many is counted. */
  #settlePartly(items: readonly Item[], rejectedCount: number): void {
    const { queue, counts } = this.#parts;
    const accepted = items.length - rejectedCount;
    const rejected = items.slice(accepted);
    counts.add('rejected', rejected.length, sumBytes(rejected));
    queue.settle(items.slice(0, accepted), 'sent');
    queue.settle(rejected, 'dropped');
  }
}
