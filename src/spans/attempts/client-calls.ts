import { type Proposal, statusOf } from '../outcome/proposals.js';
import { appended, NO_ITEMS } from '../outcome/short-list.js';
import type { TerminalStatus } from '../outcome/status.js';
import type { AttemptEnd, PendingAttempt } from './http-exchange.js';
import { decidingAttempt, type EndedAttempt, lastGroup } from './last-group.js';
import { isSameRequest, maySendAgain } from './resends.js';

/** More ended attempts of one group than this are not compared: the oldest are dropped. */
const MAX_GROUP = 128;

/** Calls that a numbered retry may still belong to; the oldest are dropped. */
const MAX_CALLS = 64;

interface Ended extends EndedAttempt {
  readonly ending: AttemptEnd;
}

/** The attempts of one call or scope, as far as they may decide how it ended. */
export class Attempts {
  #ended: AttemptEnd[] = NO_ITEMS;

  add(ending: AttemptEnd): void {
    const { number } = ending.attempt;
    const before = this.#ended.findIndex(({ attempt }) => attempt.number === number);
    if (before >= 0) this.#ended.splice(before, 1);
    this.#ended = appended(this.#ended, ending);
    if (this.#ended.length > MAX_GROUP) this.#ended.shift();
  }

  /** Drops what no longer can decide. Only to be called while no attempt is in flight. */
  prune(): void {
    if (this.#ended.length > 1) this.#ended = lastGroup(this.#judged(statusOf)).map(({ ending }) => ending);
  }

  /** When the last of them ended, in milliseconds since the epoch. */
  get endedAt(): number {
    return this.#ended.reduce((latest, { attempt }) => Math.max(latest, attempt.endedAt), 0);
  }

  /** The attempt that decides, with its status. `judge` tells how an attempt ended, taken alone. */
  deciding(judge: Judge): { readonly ending: AttemptEnd; readonly status: TerminalStatus } | undefined {
    const [only] = this.#ended;
    if (only && this.#ended.length === 1) return { ending: only, status: judge(only) };
    return decidingAttempt(this.#judged(judge), (a, b) => isSameRequest(a.ending.outgoing, b.ending.outgoing));
  }

  #judged(judge: Judge): Ended[] {
    return this.#ended.map((ending) => {
      const { number, startedAt, endedAt, timeToFirstChunkMillis } = ending.attempt;
      const contentBegan = timeToFirstChunkMillis !== undefined && !ending.refused;
      return { number, startedAt, endedAt, status: judge(ending), contentBegan, ending };
    });
  }
}

/** Tells how an attempt ended, taken alone. */
type Judge = (ending: AttemptEnd) => TerminalStatus;

/** One call of a client, its retries included. */
export interface ClientCall {
  readonly attempts: Attempts;
  inFlight: number;
  last: AttemptEnd | undefined;
  /** What its last attempt proposed. */
  proposal: Proposal | undefined;
}

/**
 * The client calls of a step whose attempts propose. Of one call, only the last attempt (or the last group of attempts) proposes.
 *
 * All attempts of an implicit step are one call. In a reuse scope, an attempt that its client numbers 1 or higher is a retry of the call
 * that had the number before; every other attempt begins a new call.
 */
export class ClientCalls {
  #calls: ClientCall[] = NO_ITEMS;
  /** The attempts in flight. */
  #inFlight: { readonly live: PendingAttempt; readonly call: ClientCall }[] = NO_ITEMS;

  /** The call that an attempt belongs to. `isOneCall`: whether there is only one; else an attempt without a number begins a new call. */
  begin(live: PendingAttempt, isOneCall: boolean): ClientCall {
    const call = (isOneCall ? this.#calls[0] : this.#retriedBy(live)) ?? this.#newCall();
    call.inFlight++;
    this.#inFlight = appended(this.#inFlight, { live, call });
    return call;
  }

  /** The call of an attempt that ends. */
  end(live: PendingAttempt, ending: AttemptEnd): ClientCall {
    const call = this.#ended(live) ?? this.#newCall();
    this.update(call, ending);
    if (call.inFlight === 0) call.attempts.prune();
    return call;
  }

  /** A call of which one attempt has ended, and others are in flight. */
  adopt(last: AttemptEnd, inFlight: readonly PendingAttempt[]): ClientCall {
    const call = this.#newCall();
    call.inFlight = inFlight.length;
    for (const live of inFlight) this.#inFlight = appended(this.#inFlight, { live, call });
    this.update(call, last);
    return call;
  }

  /** The call of an attempt that is no longer in flight; `undefined` if it had none here. */
  #ended(live: PendingAttempt): ClientCall | undefined {
    const index = this.#inFlight.findIndex((entry) => entry.live === live);
    if (index < 0) return undefined;
    const [entry] = this.#inFlight.splice(index, 1);
    if (entry) entry.call.inFlight--;
    return entry?.call;
  }

  /** Adds an attempt that ended, or replaces it after more became known of it. */
  update(call: ClientCall, ending: AttemptEnd): void {
    call.attempts.add(ending);
    if (!call.last || call.last.attempt.number <= ending.attempt.number) call.last = ending;
  }

  /** All calls, oldest first. */
  get all(): readonly ClientCall[] {
    return this.#calls;
  }

  /** The call whose last attempt was `ending`. */
  callEndedBy(ending: AttemptEnd): ClientCall | undefined {
    return this.#calls.find(({ last }) => last?.attempt.number === ending.attempt.number);
  }

  #retriedBy({ outgoing }: PendingAttempt): ClientCall | undefined {
    const { retryCount } = outgoing;
    if (!retryCount) return undefined;
    return this.#calls.find(
      ({ inFlight, last }) =>
        inFlight === 0 && last?.outgoing.retryCount === retryCount - 1 && maySendAgain(last.outgoing, outgoing),
    );
  }

  #newCall(): ClientCall {
    const call: ClientCall = { attempts: new Attempts(), inFlight: 0, last: undefined, proposal: undefined };
    this.#calls = appended(this.#calls, call);
    if (this.#calls.length > MAX_CALLS) this.#calls.shift();
    return call;
  }
}
