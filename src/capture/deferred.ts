import { inNextTurn } from '../otel/next-turn.js';
import { guarded, report } from '../util/diagnostics.js';

/**
 * Work on content that waits for its turn. An application waits for its answer meanwhile, so the work is done one piece a turn of the event
 * loop, or at once when its result is asked for: a step that settles asks, so flushing and the end of the process wait for no turn.
 */
const waiting = new Set<Deferred<unknown>>();

/** How much content may wait, in characters. */
const MAX_WAITING = 32 << 20;

let waitingLength = 0;

/** The result of work that is done later. */
export class Deferred<T> {
  readonly #length: number;
  #work: (() => T) | undefined;
  #value: T | undefined;

  constructor(length: number, work: () => T) {
    this.#length = length;
    this.#work = work;
  }

  /** The result; the work is done now if it was not done yet. `undefined` if it failed. */
  get value(): T | undefined {
    const work = this.#work;
    this.drop();
    if (work) this.#value = guarded('content could not be recorded', work);
    return this.#value;
  }

  /** The result is not needed. */
  drop(): void {
    this.#work = undefined;
    if (waiting.delete(this)) waitingLength -= this.#length;
  }
}

/**
 * Puts work off. `length`: of the content that it holds, in characters. If too much waits already, the content is not recorded, and the
 * result is `unrecorded`.
 */
export function deferred<T>(length: number, work: () => T, unrecorded: T): Deferred<T> {
  if (waitingLength + length > MAX_WAITING) {
    report('more than 32 Mi characters of content waited to be redacted; further content was not recorded');
    return new Deferred(0, () => unrecorded);
  }
  const later = new Deferred(length, work);
  waitingLength += length;
  waiting.add(later);
  workInNextTurn();
  return later;
}

const workInNextTurn = /* @__PURE__ */ inNextTurn(() => {
  const [first] = waiting;
  void first?.value;
  if (waiting.size > 0) workInNextTurn();
});
