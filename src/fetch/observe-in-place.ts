/**
 * A body that is observed in place: it stays the very stream that it is, and its own methods tell what its consumer does. Nothing stands in
 * between, so a chunk costs a look at it and no more.
 *
 * This rests on what only some platforms do, Node 20 to 24 among them (`readsThroughItsMethods` finds out): whoever reads or clones a body for the
 * application does so by the body's own methods, and a stream tells whoever has not locked it that it has closed.
 */

import { builtinModule } from '../util/builtin-module.js';
import { guarded, report } from '../util/diagnostics.js';
import type { BodyObserver } from './body-observer.js';
import { COLLECTED } from './rebuilt-response.js';

/** What Node's own `finished()` goes by: a promise that settles when the stream closes or breaks, whoever reads it. */
const CLOSED = Symbol.for('nodejs.webstream.isClosedPromise');
/** Whether it was ever read or cancelled, by whomever. */
const DISTURBED = Symbol.for('nodejs.stream.disturbed');

/** What is needed of `node:stream`. */
interface NodeStreams {
  Readable?: { fromWeb(stream: ReadableStream): { read(size: number): unknown } };
}

type Stream = ReadableStream<unknown> & { [CLOSED]: { promise: Promise<void> }; [DISTURBED]?: boolean };

/** The report for an observer that throws. */
export const UNOBSERVED = 'a body could not be observed';

/** Observes the body of a response of a class that `readsThroughItsMethods`. */
export function observeInPlace(body: ReadableStream, observer: BodyObserver): void {
  observe(body as Stream, new Passage(observer));
}

const known = new WeakMap<typeof Response, boolean>();

/** Whether what a body's methods tell is all that happens to it. */
export function readsThroughItsMethods(ResponseClass: typeof Response): boolean {
  const answer = known.get(ResponseClass) ?? tryItOut(ResponseClass);
  known.set(ResponseClass, answer);
  return answer;
}

function tryItOut(ResponseClass: typeof Response): boolean {
  const { Readable } = builtinModule<NodeStreams>('node:stream') ?? {};
  return (
    CLOSED in new ReadableStream() &&
    asks('read', (body) => new ResponseClass(body).text().catch(() => {})) &&
    asks('tee', (body) => new ResponseClass(body).clone()) &&
    (!Readable || asks('read', (body) => Readable.fromWeb(body).read(0)))
  );
}

/** Whether this method, of a body or its reader, is asked for `use`. */
function asks(method: 'read' | 'tee', use: (body: ReadableStream) => unknown): boolean {
  let isAsked = false;
  const notes = <T extends object>(object: T, name: keyof T): T => {
    const original = object[name] as (...args: unknown[]) => unknown;
    return Object.assign(object, {
      [name]: (...args: unknown[]) => {
        isAsked = true;
        return original.apply(object, args);
      },
    });
  };
  const body = new ReadableStream({ type: 'bytes', start: (controller) => controller.close() });
  const { getReader } = body;
  if (method === 'tee') notes(body, 'tee');
  else Object.assign(body, { getReader: () => notes(getReader.call(body), 'read') });
  use(body);
  return isAsked;
}

function observe(stream: Stream, passage: Passage): void {
  observations.set(stream, new Observation(stream, passage));
  adopt(stream, streamMethods);
}

/** One body, which may come to have branches: those of a clone, or of `tee()`. */
class Passage {
  readonly observer: BodyObserver;
  /** Bytes that have passed, on the branch that is ahead. */
  bytes = 0;
  /** Reads that wait for the network. */
  waiting = 0;
  /** Those that nobody has cancelled. */
  branches = 1;

  constructor(observer: BodyObserver) {
    this.observer = observer;
  }
}

/** What becomes of one branch. */
class Observation {
  readonly #passage: Passage;
  #bytes = 0;
  #waiting = 0;
  #isRead = false;
  #isClosed = false;
  /** That it closes says nothing any more: it was cancelled, or goes on in branches of its own. */
  #isOver = false;
  /** The reader that has locked it. */
  reader: object | undefined;

  constructor(stream: Stream, passage: Passage) {
    this.#passage = passage;
    stream[CLOSED].promise.then(() => this.#closed(stream[DISTURBED]), this.#broke);
  }

  /** One read; its result is for the consumer: a rejection that he doesn't handle is to stay unhandled. */
  reading<T>(pending: Promise<T>): Promise<T> {
    this.#isRead = true;
    this.#waiting++;
    this.#passage.waiting++;
    this.#passage.observer.pulling();
    return pending.then(this.#read as <R>(result: R) => R, this.#notRead);
  }

  /** The consumer cancels it. What he gets is a promise of his own, for the same reason. */
  cancelling<T>(closing: Promise<T>, reason: unknown): Promise<T> {
    if (this.#isOver) return closing;
    this.#isOver = true;
    const { observer } = this.#passage;
    if (--this.#passage.branches > 0) return closing;
    guarded(UNOBSERVED, () => {
      if (reason === COLLECTED || reason === COLLECTED_BY_PLATFORM) observer.collected();
      else observer.cancelled(closing);
    });
    return closing.then();
  }

  /** It goes on in its branches. */
  split(branches: Iterable<ReadableStream>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#passage.branches--;
    for (const branch of branches) {
      this.#passage.branches++;
      observe(branch as Stream, this.#passage);
    }
  }

  readonly #read = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    this.#waiting--;
    try {
      if (--this.#passage.waiting === 0) this.#passage.observer.idle();
      if (ArrayBuffer.isView(result.value)) this.#pass(result.value);
      if (this.#isClosed) this.#end();
    } catch (error) {
      report(UNOBSERVED, error);
    }
    return result;
  };

  /** The reader was released; or the stream has broken, which `#broke` is told. */
  readonly #notRead = (error: unknown): never => {
    this.#waiting--;
    if (--this.#passage.waiting === 0) this.#passage.observer.idle();
    throw error;
  };

  readonly #broke = (error: unknown): void => {
    guarded(UNOBSERVED, () => this.#passage.observer.broke(error));
  };

  #closed(isDisturbed: boolean | undefined): void {
    this.#isClosed = true;
    if (isDisturbed && !this.#isRead && !this.#isOver) {
      this.#isOver = true;
      guarded(UNOBSERVED, () => this.#passage.observer.passedUnseen());
    } else {
      guarded(UNOBSERVED, () => this.#end());
    }
  }

  /** Whatever is still being read may be its last chunk. */
  #end(): void {
    if (!this.#isOver && this.#waiting === 0) this.#passage.observer.ended();
  }

  /** All branches get the same bytes, not always in the same pieces. */
  #pass({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const passage = this.#passage;
    this.#bytes += byteLength;
    const news = this.#bytes - passage.bytes;
    if (news <= 0) return;
    passage.bytes = this.#bytes;
    passage.observer.chunk(new Uint8Array(buffer, byteOffset + byteLength - news, news));
  }
}

/** Why Node cancels a body whose response was collected unread. */
const COLLECTED_BY_PLATFORM = 'Response object has been garbage collected';

/** What a stream, or what reads it, belongs to. A method that was taken from one and is called on another one finds nothing. */
const observations = new WeakMap<object, Observation>();

type Methods = (base: object) => object;

const prototypes = new WeakMap<object, object>();
const ours = new WeakSet<object>();

/** Puts methods of ours before those of an object, without a property of its own that would show. */
function adopt(object: object, methods: Methods): void {
  const base = Object.getPrototypeOf(object) as object;
  if (ours.has(base)) return;
  let prototype = prototypes.get(base);
  if (!prototype) {
    prototype = Object.setPrototypeOf(methods(base), base) as object;
    prototypes.set(base, prototype);
    ours.add(prototype);
  }
  Object.setPrototypeOf(object, prototype);
}

const streamMethods: Methods = (base) => {
  const methods = {
    getReader(this: Stream, ...args: unknown[]) {
      const reader: object = super.getReader(...args);
      const observation = observations.get(this);
      if (!observation) return reader;
      observation.reader = reader;
      observations.set(reader, observation);
      adopt(reader, readerMethods);
      return reader;
    },
    cancel(this: Stream, reason: unknown = undefined) {
      const observation = this.locked ? undefined : observations.get(this);
      const closing: Promise<void> = super.cancel(reason);
      return observation?.cancelling(closing, reason) ?? closing;
    },
    tee(this: Stream) {
      const branches = super.tee();
      observations.get(this)?.split(branches);
      return branches;
    },
    pipeTo(this: Stream, ...args: unknown[]) {
      const [destination, options] = args as [unknown, StreamPipeOptions | null | undefined];
      return canPipe(this, destination, options) ? pipe(this, destination, options) : super.pipeTo(...args);
    },
    pipeThrough(this: Stream, ...args: unknown[]) {
      const [pair, options] = args as [ReadableWritablePair | undefined, StreamPipeOptions | null | undefined];
      const { readable, writable } = pair ?? {};
      if (!(readable instanceof ReadableStream) || !canPipe(this, writable, options)) return super.pipeThrough(...args);
      pipe(this, writable, options).catch(() => {});
      return readable;
    },
    values(this: Stream, ...args: unknown[]) {
      const iterator = super.values(...args);
      const { preventCancel } = (args[0] ?? {}) as { preventCancel?: boolean };
      observeIterator(iterator, observations.get(this), !preventCancel);
      return iterator;
    },
  };
  if (Symbol.asyncIterator in base) Object.assign(methods, { [Symbol.asyncIterator]: methods.values });
  return methods;
};

const readerMethods: Methods = () => ({
  read(view: unknown, options: unknown) {
    const pending: Promise<unknown> = super.read(view, options);
    return observations.get(this)?.reading(pending) ?? pending;
  },
  cancel(reason: unknown = undefined) {
    const observation = observations.get(this);
    const closing: Promise<void> = super.cancel(reason);
    return observation?.reader === this ? observation.cancelling(closing, reason) : closing;
  },
  releaseLock() {
    super.releaseLock();
    const observation = observations.get(this);
    if (observation?.reader === this) observation.reader = undefined;
  },
});

/** Its methods are its own, in some versions of Node. */
function observeIterator(
  iterator: AsyncIterator<unknown>,
  observation: Observation | undefined,
  cancels: boolean,
): void {
  if (!observation) return;
  const { next, return: close } = iterator;
  iterator.next = () => observation.reading(next.call(iterator));
  if (cancels && close) {
    iterator.return = (value) => observation.cancelling(close.call(iterator, value), undefined);
  }
}

/** Where a pipe can't be, it fails as it always did. */
function canPipe(
  stream: Stream,
  destination: unknown,
  options: StreamPipeOptions | null | undefined,
): destination is WritableStream {
  const signal = options?.signal;
  if (stream.locked || (signal !== undefined && !(signal instanceof AbortSignal))) return false;
  return destination instanceof WritableStream && !destination.locked;
}

function hasRoom(destination: WritableStream): boolean {
  const writer = destination.getWriter();
  const room = writer.desiredSize;
  writer.releaseLock();
  return room !== null && room > 0;
}

/** A pipe reads by ways that can't be seen, so it gets a stream that reads by those that can. */
async function pipe(
  stream: Stream,
  destination: WritableStream,
  options: StreamPipeOptions | null | undefined,
): Promise<void> {
  const reader = stream.getReader();
  // A pipe reads at once if there is room, and who looks at the stream sees that.
  let reading = !options?.signal?.aborted && hasRoom(destination) ? reader.read() : undefined;
  let broken: { error: unknown } | undefined;
  const seen = new ReadableStream(
    {
      start(controller) {
        // What was read before the stream broke is handed on before it breaks there too.
        reader.closed.catch((error) => {
          broken = { error };
          if (!reading) controller.error(error);
        });
      },
      async pull(controller) {
        reading ??= reader.read();
        const { done, value } = await reading;
        reading = undefined;
        if (done) return controller.close();
        controller.enqueue(value);
        if (broken) controller.error(broken.error);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  reading?.catch(() => {});
  try {
    await seen.pipeTo(destination, options ?? undefined);
  } finally {
    reader.releaseLock();
  }
}
