import { isReported, reportOmission } from '../util/omissions.js';
import type { Clock } from './clock.js';
import { likelyCause } from './likely-cause.js';
import { say } from './reports.js';
import type { Counts } from './stats.js';

/** Recovery is reported after this time without a failure: an endpoint that fails every other time has not recovered. */
const QUIET_MILLIS = 10_000;
/** How many different messages are reported once each. Backends may put a time or an id in theirs. */
const MOST_NOTES = 20;

/** Reports when a destination begins to fail, when spans are lost by that, and when it has recovered. Each once, not for each request. */
export class Health {
  readonly #destination: string;
  readonly #counts: Counts;
  readonly #clock: Clock;
  readonly #noted = new Set<string>();
  #failingSince: number | undefined;
  #hasReportedLoss = false;
  #droppedBefore = 0;
  #spooledBefore = 0;
  #cancelQuiet: (() => void) | undefined;

  constructor(destination: string, counts: Counts, clock: Clock) {
    this.#destination = destination;
    this.#counts = counts;
    this.#clock = clock;
  }

  /** Something failed. Call it before counting what was lost by it. */
  failed(what: string): void {
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    if (this.#failingSince !== undefined) return;
    this.#failingSince = this.#clock.now();
    this.#hasReportedLoss = false;
    this.#droppedBefore = this.#counts.spans('dropped');
    this.#spooledBefore = this.#counts.spans('spooled');
    say(`${this.#destination}: ${what}`);
  }

  /** A request failed. `hasDelivered`: whether the endpoint has ever accepted one; if not, the set-up is probably wrong. */
  requestFailed(what: string, hasDelivered: boolean): void {
    this.failed(what);
    if (!hasDelivered) this.firstFailed(what);
  }

  /** Nothing was ever delivered, so the set-up is probably wrong. */
  firstFailed(what: string): void {
    const cause = likelyCause(this.#destination, what);
    // One warning for one mistake: the setting was reported as the exporter was made.
    if (cause && isReported(cause)) return;
    reportOmission('RUNTRACE_DELIVERY_FAILED', `${this.#destination}: ${what}${cause ? `; ${cause}` : ''}`);
  }

  /** Spans are about to be lost. Call it before counting them. */
  losing(why: string): void {
    const isNew = this.#failingSince === undefined;
    this.failed(`spans are lost: ${why}`);
    if (!isNew && !this.#hasReportedLoss) say(`${this.#destination}: spans are lost: ${why}`);
    this.#hasReportedLoss = true;
  }

  /** Something succeeded. */
  succeeded(): void {
    if (this.#failingSince === undefined || this.#cancelQuiet) return;
    this.#cancelQuiet = this.#clock.after(QUIET_MILLIS, () => this.#recovered('has recovered'));
  }

  /** Reports a message once. `hasDelivered`: as for {@link requestFailed}. */
  note(message: string, hasDelivered: boolean): void {
    if (!hasDelivered) this.firstFailed(message);
    if (this.#noted.has(message) || this.#noted.size >= MOST_NOTES) return;
    this.#noted.add(message);
    say(`${this.#destination}: ${message}`);
  }

  /** Nothing more will come. */
  close(): void {
    if (this.#failingSince === undefined) return;
    this.#recovered(this.#cancelQuiet ? 'has recovered' : 'failed until shutdown');
  }

  #recovered(how: string): void {
    const seconds = Math.round((this.#clock.now() - (this.#failingSince ?? 0)) / 1000);
    const lost = this.#counts.spans('dropped') - this.#droppedBefore;
    const spooled = this.#counts.spans('spooled') - this.#spooledBefore;
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    this.#failingSince = undefined;
    say(`${this.#destination} ${how}, after ${seconds} s; ${lost} spans were lost, ${spooled} went to disk`);
  }
}
