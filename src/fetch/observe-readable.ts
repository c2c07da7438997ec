import { type NodeReadable, watchReadable } from '../spans/streams/node-stream.js';
import type { BodyObserver } from './body-observer.js';

/** Observes a body that is a Readable of Node, as `node:http` and `node:http2` give it. */
export function observeReadable(body: NodeReadable, observer: BodyObserver): void {
  watchReadable(body, {
    waits: () => observer.pulling(),
    waitsNoMore: () => observer.idle(),
    value: (chunk) => {
      if (chunk instanceof Uint8Array) observer.chunk(chunk);
    },
    end: (end) => {
      if (end.how === 'ended') observer.ended();
      else if (end.how === 'broke') observer.broke(end.error);
      else observer.cancelled(CLOSED);
    },
    cancelled: () => observer.cancelled(CLOSED),
    // The body's source is the connection, which belongs to no run.
    call: (fn) => fn(),
  });
}

/** `destroy()` reports a failure to close by an event, not by a promise. */
const CLOSED = Promise.resolve();
