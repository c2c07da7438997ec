import { BroadcastChannel, isMainThread, threadId, type Worker } from 'node:worker_threads';
import { say } from '../reports.js';

/*
 * `worker.terminate()` ends a thread without running any of its code, so that the thread can't report the spans that it held. The
 * thread that made it can, if it has an exporter too: a worker's destinations count their spans in memory that threads share.
 */

const CHANNEL = 'runtrace exporter: spans in memory';

interface Announcement {
  threadId: number;
  destination: string;
  held: Int32Array;
}

let channel: BroadcastChannel | undefined;
const announced: Announcement[] = [];

/** A counter of a destination's spans in memory, which outlives the thread; `undefined` in the main thread. */
export function sharedCounter(destination: string): Int32Array | undefined {
  if (isMainThread) return undefined;
  const held = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const sending = new BroadcastChannel(CHANNEL);
  sending.postMessage({ threadId, destination, held } satisfies Announcement);
  sending.close();
  return held;
}

/** From now on, workers that this thread makes and that end with spans in memory are reported. */
export function watchWorkers(): void {
  if (channel) return;
  channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = (message) => {
    announced.push((message as { data: Announcement }).data);
  };
  channel.unref();
  process.on('worker', watch);
}

export function unwatchWorkers(): void {
  process.off('worker', watch);
  channel?.close();
  channel = undefined;
}

function watch(worker: Worker): void {
  const id = worker.threadId;
  // The announcement of a thread that ended at once is still under way.
  worker.once('exit', () => setImmediate(() => reportLost(id)));
}

function reportLost(id: number): void {
  for (const [index, it] of [...announced.entries()].reverse()) {
    if (it.threadId !== id) continue;
    announced.splice(index, 1);
    const count = Atomics.load(it.held, 0);
    if (count === 0) continue;
    say(
      `${it.destination}: a worker thread was terminated with ${count} spans in memory; they are lost, or on their way`,
    );
  }
}
