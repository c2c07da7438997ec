import { diag } from '@opentelemetry/api';
import { guarded } from '../util/diagnostics.js';
import type { Clock } from './clock.js';
import type { Counts } from './stats.js';

/** How long nothing may go wrong before it is said that all is well: an endpoint that fails every other time is not. */
const QUIET_MILLIS = 10_000;

/** Says once that things go wrong with a destination, and once that they are well again, with what it cost. */
export class Trouble {
  readonly #destination: string;
  readonly #counts: Counts;
  readonly #clock: Clock;
  #since: number | undefined;
  #droppedBefore = 0;
  #spooledBefore = 0;
  #cancelQuiet: (() => void) | undefined;

  constructor(destination: string, counts: Counts, clock: Clock) {
    this.#destination = destination;
    this.#counts = counts;
    this.#clock = clock;
  }

  /** Something went wrong. Call it before counting what was lost by it. */
  begins(what: string, error?: unknown): void {
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    if (this.#since !== undefined) return;
    this.#since = this.#clock.now();
    this.#droppedBefore = this.#counts.spans('dropped');
    this.#spooledBefore = this.#counts.spans('spooled');
    say(`${this.#destination}: ${what}`, ...(error === undefined ? [] : [error]));
  }

  /** Something went well. */
  eases(): void {
    if (this.#since === undefined || this.#cancelQuiet) return;
    this.#cancelQuiet = this.#clock.after(QUIET_MILLIS, () => this.#ends('is well again'));
  }

  /** Nothing more will come. */
  close(): void {
    if (this.#since === undefined) return;
    this.#ends(this.#cancelQuiet ? 'is well again' : 'was in trouble until shutdown');
  }

  #ends(how: string): void {
    const seconds = Math.round((this.#clock.now() - (this.#since ?? 0)) / 1000);
    const lost = this.#counts.spans('dropped') - this.#droppedBefore;
    const spooled = this.#counts.spans('spooled') - this.#spooledBefore;
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    this.#since = undefined;
    say(`${this.#destination} ${how}, after ${seconds} s; ${lost} spans were lost, ${spooled} went to disk`);
  }
}

function say(message: string, ...details: unknown[]): void {
  guarded('a diag logger threw', () => diag.warn(`runtrace exporter: ${message}`, ...details));
}
