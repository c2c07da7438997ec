import { type Bucket, cancel, type Deadline, schedule } from './deadlines.js';

/**
 * A run that is open for longer is registered with a `FinalizationRegistry`, to learn that its handle was dropped. Registering costs more
 * than all other work for a short run, because a registry's entries survive all collections but the full ones.
 */
const REGISTER_AFTER_MILLIS = 1000;

/** Registers a handle with a registry, to be called with its run, unless it is ended within a second. */
export class LateRegistration<Run extends object> implements Deadline {
  bucket?: Bucket | undefined;
  place?: number;
  /** Given up when it is registered: the run refers to this, which must not keep the handle from being collected. */
  #handle: object | undefined;
  readonly #run: Run;
  readonly #registry: FinalizationRegistry<Run>;

  constructor(handle: object, run: Run, registry: FinalizationRegistry<Run>) {
    this.#handle = handle;
    this.#run = run;
    this.#registry = registry;
    schedule(this, REGISTER_AFTER_MILLIS);
  }

  due(): void {
    if (this.#handle) this.#registry.register(this.#handle, this.#run, this);
    this.#handle = undefined;
  }

  /** The run has ended. A registry holds its run, and so for good a handle that anything of the run leads to. */
  end(): void {
    cancel(this);
    if (!this.#handle) this.#registry.unregister(this);
    this.#handle = undefined;
  }
}
