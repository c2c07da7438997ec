/** The bounded observer of a body: sees what passes, and changes nothing about it. */

import { guarded, report } from '../util/diagnostics.js';
import { observeInPlace, readsThroughItsMethods } from './observe-in-place.js';
import { COLLECTED, platformClassOf, rebuild } from './rebuilt-response.js';

const UNOBSERVED = 'a body could not be observed';

/** What is told of a body as its consumer reads it. */
export interface BodyObserver {
  /** The consumer waits for more. */
  pulling(): void;
  /** The consumer doesn't wait any more. */
  idle(): void;
  /** Bytes are about to be handed on. They may not be kept: their buffer goes to the consumer. */
  chunk(bytes: Uint8Array): void;
  /** It was read to its end. */
  ended(): void;
  /** It was read to its end by ways that can't be seen. */
  passedUnseen(): void;
  /** It broke, or was aborted. */
  broke(error: unknown): void;
  /** The consumer cancelled it; `closing` is how that went. */
  cancelled(closing: Promise<unknown>): void;
  /** The response was collected, and nobody had read it: it is closed, as the platform would do. */
  collected(): void;
}

/**
 * The response with its body observed: the very same one where the platform lets its methods tell, else one that is made anew around a
 * stream through which the body passes. The body is neither tee'd nor drained nor buffered: a chunk is read when the consumer asks for one.
 * `undefined` for a response without a body, or with something of its own that would be lost.
 */
export function observeResponse(response: Response, observer: BodyObserver): Response | undefined {
  const { body } = response;
  if (!(body instanceof ReadableStream) || body.locked) return undefined;
  const ResponseClass = platformClassOf(response);
  if (!ResponseClass) return undefined;
  if (readsThroughItsMethods(ResponseClass)) {
    observeInPlace(body, observer);
    return response;
  }
  const source = new ObservedSource(observer);
  const { start, pull, cancel } = source;
  const observed = isByteStream(body)
    ? new ReadableStream({ type: 'bytes', start, pull, cancel })
    : new ReadableStream({ start, pull, cancel }, { highWaterMark: 0 });
  const rebuilt = rebuild(response, observed, ResponseClass);
  if (rebuilt) source.observe(body);
  return rebuilt;
}

/** A byte stream hands out buffers of its own, which may be transferred on; another stream's chunks may be views of a shared pool. */
function isByteStream(body: ReadableStream): boolean {
  try {
    body.getReader({ mode: 'byob' }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

type Controller = ReadableStreamDefaultController<unknown> | ReadableByteStreamController;

class ObservedSource {
  readonly #observer: BodyObserver;
  #controller!: Controller;
  #reader!: ReadableStreamDefaultReader<unknown>;
  #reading = false;
  #over = false;

  constructor(observer: BodyObserver) {
    this.#observer = observer;
  }

  /** Takes the body. It is locked at once, so that whoever waits for its end without reading learns of it, as without us. */
  observe(body: ReadableStream<unknown>): void {
    this.#reader = body.getReader();
    this.#reader.closed.then(this.#closed, this.#broke);
  }

  readonly start = (controller: Controller): void => {
    this.#controller = controller;
  };

  /** Gives no promise: whoever still waits when a chunk was handed on has this called again. */
  readonly pull = (): void => {
    this.#observer.pulling();
    if (this.#reading) return;
    this.#reading = true;
    this.#reader.read().then(this.#read, this.#broke);
  };

  readonly cancel = (reason: unknown): Promise<void> => {
    this.#over = true;
    const closing = this.#reader.cancel(reason);
    guarded(UNOBSERVED, () => {
      if (reason === COLLECTED) this.#observer.collected();
      else this.#observer.cancelled(closing);
    });
    return closing;
  };

  readonly #read = ({ done, value }: ReadableStreamReadResult<unknown>): void => {
    this.#reading = false;
    if (this.#over) return;
    this.#observer.idle();
    try {
      if (done) this.#end();
      else this.#handOn(value);
    } catch (error) {
      // Somebody waits for half an element of his view.
      this.#controller.error(error);
    }
  };

  #handOn(value: unknown): void {
    if (value instanceof Uint8Array) {
      try {
        this.#observer.chunk(value);
      } catch (error) {
        report(UNOBSERVED, error);
      }
      // A byte stream refuses an empty chunk, and the consumer still waits.
      if (value.byteLength === 0 && 'byobRequest' in this.#controller) {
        this.pull();
        return;
      }
    }
    (this.#controller as ReadableStreamDefaultController<unknown>).enqueue(value);
  }

  /** A body that was waited for has ended in `#read`, next; another one may close with nobody waiting. */
  readonly #closed = async (): Promise<void> => {
    await undefined;
    if (!this.#over) this.#end();
  };

  #end(): void {
    this.#over = true;
    guarded(UNOBSERVED, () => this.#observer.ended());
    this.#controller.close();
    (this.#controller as ReadableByteStreamController).byobRequest?.respond(0);
  }

  readonly #broke = (error: unknown): void => {
    if (this.#over) return;
    this.#over = true;
    guarded(UNOBSERVED, () => this.#observer.broke(error));
    this.#controller.error(error);
  };
}
