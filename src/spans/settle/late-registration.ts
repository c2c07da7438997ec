import { type Deadline, schedule } from './deadlines.js';

/**
 * A run that is open for longer is registered with a `FinalizationRegistry`, to learn that its handle was dropped. Registering costs more
 * than all other work for a short run, because a registry's entries survive all collections but the full ones.
 */
const REGISTER_AFTER_MILLIS = 1000;

/** Registers `handle` with `registry`, to be called with `run`, unless the returned deadline is cancelled within a second. */
export function registerLater<Run>(handle: object, run: Run, registry: FinalizationRegistry<Run>): Deadline {
  // Given up when it is registered: the run refers to the deadline, which must not keep the handle from being collected.
  let unregistered: object | undefined = handle;
  const registration: Deadline = {
    due: () => {
      if (unregistered) registry.register(unregistered, run);
      unregistered = undefined;
    },
  };
  schedule(registration, REGISTER_AFTER_MILLIS);
  return registration;
}
