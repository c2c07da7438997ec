import { signal } from '@preact/signals';

/** The trace id of the run that waits for a second one to be compared with. */
export const markedRun = signal<string | undefined>(undefined);
