/**
 * Observes a body in place. The stream stays the same object, and its own methods tell what its consumer does. No stream stands in between,
 * so observing costs little for each chunk.
 *
 * Only some platforms allow this, Node 20 to 24 among them; `readsThroughItsMethods` finds out. There the platform itself reads and clones a
 * body through the body's own methods, and a stream tells that it has closed even if another reader has locked it.
 */

import { builtinModule } from '../util/builtin-module.js';
import { guarded, report } from '../util/diagnostics.js';
import type { BodyObserver } from './body-observer.js';
import { canPipe, pipe } from './observed-pipe.js';
import { COLLECTED } from './rebuilt-response.js';

/** Node's `finished()` uses this promise. It settles when the stream closes or breaks, whichever reader has locked it. */
const CLOSED = Symbol.for('nodejs.webstream.isClosedPromise');
/** Whether the stream was ever read or cancelled. */
const DISTURBED = Symbol.for('nodejs.stream.disturbed');

/** The part of `node:stream` that is used. */
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

/** Whether everything that happens to a body goes through its methods. */
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

/** Whether `use` calls this method of a body or of its reader. */
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
  Observed.set(stream, new Observation(stream, passage));
  adopt(stream, streamMethods);
}

/** One body, with its branches: those of a clone or of `tee()`. */
class Passage {
  readonly observer: BodyObserver;
  /** How many bytes have passed, on the branch that is ahead. */
  bytes = 0;
  /** How many reads wait for the network. */
  waiting = 0;
  /** How many branches are not cancelled. */
  branches = 1;

  constructor(observer: BodyObserver) {
    this.observer = observer;
  }
}

/** The state of one branch. */
class Observation {
  readonly #passage: Passage;
  #bytes = 0;
  #waiting = 0;
  #isRead = false;
  #isClosed = false;
  /** Whether its close has no meaning any more, because it was cancelled or split into branches. */
  #isOver = false;
  /** The reader that has locked it. */
  reader: object | undefined;

  constructor(stream: Stream, passage: Passage) {
    this.#passage = passage;
    stream[CLOSED].promise.then(() => this.#closed(stream[DISTURBED]), this.#broke);
  }

  /** Observes one read. The consumer gets the returned promise, so that a rejection which it does not handle stays unhandled. */
  reading<T>(pending: Promise<T>): Promise<T> {
    this.#isRead = true;
    this.#waiting++;
    this.#passage.waiting++;
    this.#passage.observer.pulling();
    return pending.then(this.#read as <R>(result: R) => R, this.#notRead);
  }

  /** The consumer cancels the branch. It gets a promise of its own, for the same reason. */
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

  /** The stream continues in its branches. */
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

  /** The reader was released, or the stream has broken; `#broke` handles the second. */
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

  /** A read that is still pending may get the last chunk. */
  #end(): void {
    if (!this.#isOver && this.#waiting === 0) this.#passage.observer.ended();
  }

  /** All branches get the same bytes, but not always in the same chunks. */
  #pass(view: ArrayBufferView): void {
    const passage = this.#passage;
    const { byteLength } = view;
    this.#bytes += byteLength;
    const news = this.#bytes - passage.bytes;
    if (news <= 0) return;
    passage.bytes = this.#bytes;
    // A view of a view costs more than all else that is done with a short chunk.
    const isAllNew = news === byteLength && Object.getPrototypeOf(view) === Uint8Array.prototype;
    passage.observer.chunk(
      isAllNew ? (view as Uint8Array) : new Uint8Array(view.buffer, view.byteOffset + byteLength - news, news),
    );
  }
}

/** Node's reason when it cancels the body of a response that was garbage-collected unread. */
const COLLECTED_BY_PLATFORM = 'Response object has been garbage collected';

class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: a subclass then has the object as its `this`, and adds its private fields to it.
    return object;
  }
}

/**
 * The observation of a stream or a reader, in a private field that is added to it: unseen as in a WeakMap, and found in a fraction of the
 * time. A method that is called on another object finds none.
 */
class Observed extends Given {
  #observation: Observation;

  private constructor(object: object, observation: Observation) {
    super(object);
    this.#observation = observation;
  }

  static of(object: object): Observation | undefined {
    return #observation in object ? object.#observation : undefined;
  }

  static set(object: object, observation: Observation): void {
    if (#observation in object) object.#observation = observation;
    else new Observed(object, observation);
  }
}

type Methods = (base: object) => object;

const prototypes = new WeakMap<object, object>();
const ours = new WeakSet<object>();

/** Puts methods before those of an object. They are in a prototype, because an own property would be visible. */
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
      const observation = Observed.of(this);
      if (!observation) return reader;
      observation.reader = reader;
      Observed.set(reader, observation);
      adopt(reader, readerMethods);
      return reader;
    },
    cancel(this: Stream, reason: unknown = undefined) {
      const observation = this.locked ? undefined : Observed.of(this);
      const closing: Promise<void> = super.cancel(reason);
      return observation?.cancelling(closing, reason) ?? closing;
    },
    tee(this: Stream) {
      const branches = super.tee();
      Observed.of(this)?.split(branches);
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
      observeIterator(iterator, Observed.of(this), !preventCancel);
      return iterator;
    },
  };
  if (Symbol.asyncIterator in base) Object.assign(methods, { [Symbol.asyncIterator]: methods.values });
  return methods;
};

const readerMethods: Methods = () => ({
  read(view: unknown, options: unknown) {
    const pending: Promise<unknown> = super.read(view, options);
    return Observed.of(this)?.reading(pending) ?? pending;
  },
  cancel(reason: unknown = undefined) {
    const observation = Observed.of(this);
    const closing: Promise<void> = super.cancel(reason);
    return observation?.reader === this ? observation.cancelling(closing, reason) : closing;
  },
  releaseLock() {
    super.releaseLock();
    const observation = Observed.of(this);
    if (observation?.reader === this) observation.reader = undefined;
  },
});

/** In some versions of Node the methods of an iterator are own properties. */
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
