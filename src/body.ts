/** The bounded observer of a body: sees what passes, and changes nothing about it. */

import { guarded, report } from './report.js';

const UNOBSERVED = 'a body could not be observed';

/** What is told of a body as its consumer reads it. */
export interface BodyObserver {
  /** The consumer waits for more. */
  pulling(): void;
  /** Bytes are about to be handed on. They may not be kept: their buffer goes to the consumer. */
  chunk(bytes: Uint8Array): void;
  /** It was read to its end. */
  ended(): void;
  /** It broke, or was aborted. */
  broke(error: unknown): void;
  /** The consumer cancelled it; `closing` is how that went. */
  cancelled(closing: Promise<void>): void;
}

/** A response whose body is observed. */
export interface Observed {
  readonly response: Response;
  /** To be called when it was aborted while nobody read it: whoever waits for its end then learns of it, as without us. */
  readonly aborted: () => void;
}

/**
 * The same response with its body observed. The body is neither tee'd nor drained nor buffered: a chunk is read when the consumer asks
 * for one. `undefined` for a response that can't be rebuilt: no body, or a class of its own.
 */
export function observeResponse(response: Response, observer: BodyObserver): Observed | undefined {
  const { body } = response;
  if (!(body instanceof ReadableStream) || body.locked) return undefined;
  const source = new ObservedSource(response, body, observer);
  const observed = isByteStream(body)
    ? new ReadableStream({ type: 'bytes', start: source.start, pull: source.pull, cancel: source.cancel })
    : new ReadableStream({ start: source.start, pull: source.pull, cancel: source.cancel }, { highWaterMark: 0 });
  return { response: rebuild(response, observed), aborted: aborted(source) };
}

/** A signal may live for long. It must not keep what nobody holds any more, or a body that was never read stays open with it. */
function aborted(source: ObservedSource): () => void {
  if (typeof WeakRef === 'undefined') return source.aborted;
  const held = new WeakRef(source);
  return () => held.deref()?.aborted();
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

function rebuild(original: Response, body: ReadableStream): Response {
  const { status, statusText, headers } = original;
  const ResponseClass = original.constructor as typeof Response;
  return dress(new ResponseClass(body, { status, statusText, headers }), original);
}

/** What a Response made by hand can't be told, and `clone`, which has to keep it. */
function dress(response: Response, { url, redirected, type, headers }: Response): Response {
  const { clone } = response;
  const dressedClone = () =>
    dress(clone.call(response), { url, redirected, type, headers: new Headers(headers) } as Response);
  for (const [name, value] of Object.entries({ url, redirected, type, headers, clone: dressedClone })) {
    Object.defineProperty(response, name, { value, configurable: true });
  }
  return response;
}

type Controller = ReadableStreamDefaultController<unknown> | ReadableByteStreamController;

class ObservedSource {
  /** Held while the body is: when a response is collected, undici cancels its body. */
  readonly response: Response;
  readonly #body: ReadableStream<unknown>;
  readonly #observer: BodyObserver;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #controller: Controller | undefined;
  #cancelled = false;

  constructor(response: Response, body: ReadableStream<unknown>, observer: BodyObserver) {
    this.response = response;
    this.#body = body;
    this.#observer = observer;
  }

  readonly start = (controller: Controller): void => {
    this.#controller = controller;
  };

  readonly pull = (): Promise<void> => {
    this.#observer.pulling();
    return this.#lock().read().then(this.#read, this.#broke);
  };

  readonly cancel = (reason: unknown): Promise<void> => {
    this.#cancelled = true;
    const closing = this.#reader ? this.#reader.cancel(reason) : this.#body.cancel(reason);
    guarded(UNOBSERVED, () => this.#observer.cancelled(closing));
    return closing;
  };

  readonly aborted = (): void => {
    if (!this.#cancelled) this.#lock();
  };

  #observe(bytes: Uint8Array): void {
    try {
      this.#observer.chunk(bytes);
    } catch (error) {
      report(UNOBSERVED, error);
    }
  }

  /** Locked only when somebody reads: an unread body is left to the platform, which closes it when it is collected. */
  #lock(): ReadableStreamDefaultReader<unknown> {
    if (this.#reader) return this.#reader;
    this.#reader = this.#body.getReader();
    this.#reader.closed.then(undefined, this.#broke);
    return this.#reader;
  }

  readonly #read = ({ done, value }: ReadableStreamReadResult<unknown>): Promise<void> | undefined => {
    if (this.#cancelled) return undefined;
    const controller = this.#controller as Controller;
    if (done) {
      guarded(UNOBSERVED, () => this.#observer.ended());
      controller.close();
      (controller as ReadableByteStreamController).byobRequest?.respond(0);
      return undefined;
    }
    if (value instanceof Uint8Array) {
      this.#observe(value);
      // A byte stream refuses an empty chunk, and the consumer still waits.
      if (value.byteLength === 0 && 'byobRequest' in controller) return this.pull();
    }
    (controller as ReadableStreamDefaultController<unknown>).enqueue(value);
    return undefined;
  };

  readonly #broke = (error: unknown): void => {
    guarded(UNOBSERVED, () => this.#observer.broke(error));
    (this.#controller as Controller).error(error);
  };
}
