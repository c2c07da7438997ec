/** What the iterator of a body tells of its reads. */
export interface Reads {
  /** A read waits for more. */
  begun(): void;
  /** A read has got its result, which is returned. */
  passed(result: ReadResult): ReadResult;
  /** A read has got none. */
  failed(): void;
  /** The consumer leaves the body, which cancels it. Returns what the consumer gets for `closing`. */
  cancelling<T>(closing: Promise<T>, reason: unknown): Promise<T>;
}

type ReadResult = ReadableStreamReadResult<unknown>;
type Reader = ReadableStreamDefaultReader<unknown>;

/**
 * An iterator of a stream that behaves as the platform's (https://streams.spec.whatwg.org/#rs-asynciterator) and tells of its reads. It makes the
 * promises of one read; the platform's iterator with its reads observed makes one more for each chunk.
 */
export function iterateBody(reader: Reader, preventCancel: boolean, reads: Reads): AsyncIterator<unknown> {
  const iteration = new Iteration(reader, preventCancel, reads);
  const iterator = {
    next: () => iteration.next(),
    return: (value: unknown) => {
      const closing = iteration.return(value);
      return preventCancel ? closing : reads.cancelling(closing, undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  prototype ??= Object.getPrototypeOf(new ReadableStream().values()) as object;
  return Object.setPrototypeOf(iterator, prototype);
}

/** That of the platform's iterators. */
let prototype: object | undefined;

class Iteration {
  readonly #reader: Reader;
  readonly #preventCancel: boolean;
  readonly #reads: Reads;
  /** What the application asked for last. The next thing waits for it. */
  #last: Promise<unknown> | undefined;
  /** How much of what the application asked for has not been answered. */
  #unanswered = 0;
  #isUntouched = true;
  #isOver = false;

  constructor(reader: Reader, preventCancel: boolean, reads: Reads) {
    this.#reader = reader;
    this.#preventCancel = preventCancel;
    this.#reads = reads;
  }

  next(): Promise<ReadResult> {
    // Node 20 to 26 begin the first read a microtask later, and `bodyUsed` shows it:
    // https://github.com/nodejs/node/blob/v24.0.0/lib/internal/webstreams/readablestream.js
    if (this.#isUntouched) this.#last = Promise.resolve();
    return this.#inTurn(this.#read);
  }

  return(value: unknown): Promise<ReadResult> {
    return this.#inTurn(() => this.#leave(value));
  }

  #inTurn(work: () => Promise<ReadResult>): Promise<ReadResult> {
    this.#unanswered++;
    this.#isUntouched = false;
    const result = this.#last ? this.#last.then(work, work) : work();
    this.#last = result;
    return result;
  }

  #answered(): void {
    if (--this.#unanswered === 0) this.#last = undefined;
  }

  readonly #read = (): Promise<ReadResult> => {
    if (this.#isOver) {
      this.#answered();
      return Promise.resolve({ done: true, value: undefined });
    }
    this.#reads.begun();
    return this.#reader.read().then(this.#passed, this.#failed);
  };

  readonly #passed = (result: ReadResult): ReadResult => {
    this.#answered();
    if (result.done) this.#end();
    return this.#reads.passed(result);
  };

  readonly #failed = (error: unknown): never => {
    this.#answered();
    this.#end();
    this.#reads.failed();
    throw error;
  };

  #end(): void {
    this.#isOver = true;
    this.#reader.releaseLock();
  }

  async #leave(value: unknown): Promise<ReadResult> {
    try {
      if (!this.#isOver) {
        const closing = this.#preventCancel ? undefined : this.#reader.cancel(value);
        this.#end();
        await closing;
      }
      return { done: true, value };
    } finally {
      this.#answered();
    }
  }
}
