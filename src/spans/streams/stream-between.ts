import type { Watch } from './watch.js';

type Controller = ReadableStreamDefaultController<unknown> | ReadableByteStreamController;

/**
 * Watches a stream by another one between it and its consumer. It reads a chunk when the consumer asks for one: it does not tee, drain or buffer the
 * source.
 */
export class StreamBetween {
  /** Held as long as the stream: Deno (2.9) does not abort a body any more whose response was collected. */
  readonly response: Response | undefined;
  readonly #watch: Watch;
  #controller!: Controller;
  #reader!: ReadableStreamDefaultReader<unknown>;
  #reading = false;
  #over = false;

  /** `response`: the one that has the source as its body. */
  constructor(watch: Watch, response?: Response) {
    this.#watch = watch;
    this.response = response;
  }

  /** The stream for the consumer: of bytes, or of any values. */
  make(ofBytes: boolean): ReadableStream {
    const start = (controller: Controller) => {
      this.#controller = controller;
    };
    const pull = () => this.#pull();
    const cancel = (reason: unknown) => this.#cancel(reason);
    return ofBytes
      ? new ReadableStream({ type: 'bytes', start, pull, cancel })
      : new ReadableStream({ start, pull, cancel }, { highWaterMark: 0 });
  }

  /** Takes the source. It is locked at once, so that a consumer which waits for its end without reading learns of that end. */
  take(source: ReadableStream<unknown>): void {
    this.#reader = source.getReader();
    this.#reader.closed.then(() => this.#closed(), this.#broke);
  }

  /** Returns no promise, so that it is called again if the consumer still waits after a chunk. */
  #pull(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#watch.waits();
    this.#reader.read().then(this.#read, this.#broke);
  }

  #cancel(reason: unknown): Promise<void> {
    this.#over = true;
    const closing = this.#reader.cancel(reason);
    this.#watch.end({ how: 'cancelled', reason, closing });
    return closing;
  }

  readonly #read = ({ done, value }: ReadableStreamReadResult<unknown>): void => {
    this.#reading = false;
    if (this.#over) return;
    this.#watch.waitsNoMore();
    try {
      if (done) this.#end();
      else this.#passOn(value);
    } catch (error) {
      // The view of a BYOB reader ends in the middle of an element.
      this.#controller.error(error);
    }
  };

  #passOn(value: unknown): void {
    this.#watch.value(value);
    // A byte stream refuses an empty chunk, and the consumer still waits.
    if (value instanceof Uint8Array && value.byteLength === 0 && 'byobRequest' in this.#controller) this.#pull();
    else (this.#controller as ReadableStreamDefaultController<unknown>).enqueue(value);
  }

  /** If the consumer was waiting, `#read` ends the stream next. Otherwise nothing else does. */
  async #closed(): Promise<void> {
    await undefined;
    if (!this.#over) this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#watch.end({ how: 'ended' });
    this.#controller.close();
    (this.#controller as ReadableByteStreamController).byobRequest?.respond(0);
  }

  readonly #broke = (error: unknown): void => {
    if (this.#over) return;
    this.#over = true;
    this.#watch.end({ how: 'broke', error });
    this.#controller.error(error);
  };
}
