/**
 * Watches a body in place. The stream stays the same object, and its own methods tell what its consumer does. No stream stands in between,
 * so watching costs little for each chunk.
 *
 * Only some platforms allow this, Node 20 to 24 among them; `readsThroughItsMethods` finds out. There the platform itself reads and clones a
 * body through the body's own methods, and a stream tells that it has closed even if another reader has locked it.
 */

import { builtinModule } from '../../util/platform.js';
import { type Reads, watchBodyIterator } from './body-iterator.js';
import { canPipe, pipe } from './pipe.js';
import { Branch, type Watch } from './watch.js';

/** Node's `finished()` uses this promise. It settles when the stream closes or breaks, whichever reader has locked it. */
const CLOSED = Symbol.for('nodejs.webstream.isClosedPromise');
/** Whether the stream was ever read or cancelled. */
const DISTURBED = Symbol.for('nodejs.stream.disturbed');

/** The part of `node:stream` that is used. */
interface NodeStreams {
  Readable?: { fromWeb(stream: ReadableStream): { read(size: number): unknown } };
}

type Stream = ReadableStream<unknown> & { [CLOSED]: { promise: Promise<void> }; [DISTURBED]?: boolean };

/** Watches the body of a response of a class that `readsThroughItsMethods`. */
export function watchInPlace(body: ReadableStream, watch: Watch): void {
  observe(body as Stream, watch, { bytes: 0 });
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

function observe(stream: Stream, watch: Watch, ahead: Ahead): void {
  Observed.set(stream, new Observation(stream, watch, ahead));
  adopt(stream, streamMethods);
}

/** How many bytes have passed, on the branch that is ahead of the others. */
interface Ahead {
  bytes: number;
}

/** What is particular to a branch that is watched in place. */
class Observation extends Branch implements Reads {
  readonly #ahead: Ahead;
  #bytes = 0;
  #isRead = false;
  #isClosed = false;
  /** The reader that has locked it. */
  reader: object | undefined;

  constructor(stream: Stream, watch: Watch, ahead: Ahead) {
    super(watch);
    this.#ahead = ahead;
    stream[CLOSED].promise.then(() => this.#closed(stream[DISTURBED]), this.#broke);
  }

  /** Observes one read. The consumer gets the returned promise, so that a rejection which it does not handle stays unhandled. */
  reading<T>(pending: Promise<T>): Promise<T> {
    this.begun();
    return pending.then(this.#read as <R>(result: R) => R, this.#notRead);
  }

  begun(): void {
    this.#isRead = true;
    this.watch.waits();
  }

  passed(result: ReadableStreamReadResult<unknown>): ReadableStreamReadResult<unknown> {
    this.watch.waitsNoMore();
    if (ArrayBuffer.isView(result.value)) this.#pass(result.value);
    if (this.#isClosed) this.#end();
    return result;
  }

  /** The reader was released, or the stream has broken; `#broke` handles the second. */
  failed(): void {
    this.watch.waitsNoMore();
  }

  /** The consumer cancels the branch. It gets a promise of its own, for the same reason. */
  cancelling<T>(closing: Promise<T>, reason: unknown): Promise<T> {
    if (!this.isOpen) return closing;
    this.leave({ how: 'cancelled', reason, closing });
    return closing.then();
  }

  /** The stream continues in its branches. */
  splitInto(branches: Iterable<ReadableStream>): void {
    if (!this.isOpen) return;
    for (const branch of branches) observe(branch as Stream, this.watch, this.#ahead);
    this.split();
  }

  readonly #read = (result: ReadableStreamReadResult<unknown>) => this.passed(result);

  readonly #notRead = (error: unknown): never => {
    this.failed();
    throw error;
  };

  readonly #broke = (error: unknown): void => this.watch.end({ how: 'broke', error });

  #closed(isDisturbed: boolean | undefined): void {
    this.#isClosed = true;
    if (isDisturbed && !this.#isRead && this.isOpen) this.watch.end({ how: 'ended', unseen: true });
    else this.#end();
  }

  /** A read that is still pending may get the last chunk. */
  #end(): void {
    if (this.isOpen && !this.watch.isWaiting) this.watch.end({ how: 'ended' });
  }

  /** All branches get the same bytes, but not always in the same chunks. */
  #pass(view: ArrayBufferView): void {
    const { byteLength } = view;
    this.#bytes += byteLength;
    const news = this.#bytes - this.#ahead.bytes;
    if (news <= 0) return;
    this.#ahead.bytes = this.#bytes;
    // A view of a view costs more than all else that is done with a short chunk.
    const isAllNew = news === byteLength && Object.getPrototypeOf(view) === Uint8Array.prototype;
    this.watch.value(
      isAllNew ? (view as Uint8Array) : new Uint8Array(view.buffer, view.byteOffset + byteLength - news, news),
    );
  }
}

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
      Observed.of(this)?.splitInto(branches);
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
      const iterator: object = super.values(...args);
      const observation = Observed.of(this);
      const [options] = args as [{ preventCancel?: unknown } | null | undefined];
      return observation ? watchBodyIterator(iterator, Boolean(options?.preventCancel), observation) : iterator;
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
