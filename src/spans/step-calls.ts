import { type ClientCall, ClientCalls } from './attempts/client-calls.js';
import { ClientTimeouts, mayBeTimeout } from './attempts/client-timeouts.js';
import { type AttemptEnd, asTimeout, isRetriable, type PendingAttempt } from './attempts/http-exchange.js';
import { maySendAgain } from './attempts/resends.js';
import { isTimeout } from './outcome/errors.js';
import { endingProposal, statusOf, statusWithoutRetry } from './outcome/proposals.js';
import type { TerminalStatus } from './outcome/status.js';
import type { StepOptions } from './outcome/step-options.js';
import { isAbort } from './outcome/stops/abort-errors.js';
import { watchForStop } from './outcome/stops/stop-while-waiting.js';
import { BackgroundResponse, goesOnInBackground } from './routing/background-response.js';
import type { StepRecording } from './step.js';

/** Judges the attempts of one step at the wire: what each of its calls proposes, and what later events tell of an attempt that had ended. */
export class StepCalls {
  readonly #step: StepRecording;
  /** The calls whose attempts propose: all of an implicit step, and those that begin after their scope was closed. */
  readonly #calls = new ClientCalls();
  /** Made with the first: few calls time out. */
  #timeouts: ClientTimeouts | undefined;
  #stopWatch: (() => void) | undefined;
  /** The end of the attempt with the highest number. */
  #last: AttemptEnd | undefined;

  constructor(step: StepRecording) {
    this.#step = step;
  }

  get last(): AttemptEnd | undefined {
    return this.#last;
  }

  /** An attempt begins, of a call or of a scope. */
  attemptBegins({ outgoing }: PendingAttempt): void {
    this.endStopWatch();
    const last = this.#last;
    // The client aborted that attempt itself and sends it again: its timeout had expired.
    if (last?.how === 'aborted' && last.beforeHeaders && maySendAgain(last.outgoing, outgoing)) {
      this.#timedOut(last, undefined);
    }
  }

  /** An attempt begins that proposes for its call. A retry withdraws what the attempt before it proposed. */
  begin(live: PendingAttempt, isOneCall: boolean): void {
    const call = this.#calls.begin(live, isOneCall);
    if (call.proposal) this.#step.withdraw(call.proposal);
    call.proposal = undefined;
  }

  /** An attempt ended that proposes for its call. */
  end(live: PendingAttempt, ending: AttemptEnd, options: StepOptions): void {
    const call = this.#calls.end(live, ending);
    if (goesOnInBackground(ending)) this.#waitForResponse(call, ending, options);
    else this.#proposeFor(call, options);
  }

  /** A call of which `last` has ended, and others are in flight. */
  adopt(last: AttemptEnd, inFlight: readonly PendingAttempt[]): void {
    this.#proposeFor(this.#calls.adopt(last, inFlight), {});
  }

  /** An attempt has ended, of a call or of a scope. */
  attemptEnded(ending: AttemptEnd): void {
    if (!this.#last || ending.attempt.number >= this.#last.attempt.number) this.#last = ending;
    if (ending.how === 'failed') this.#watchForStop(ending);
  }

  /** The ending, as a timeout if an earlier attempt of the step shows that it was one. */
  recognized(ending: AttemptEnd): AttemptEnd {
    return this.#timeouts?.explains(ending) ? asTimeout(ending, undefined) : ending;
  }

  /** Whether a client that retries would send the last attempt again. */
  get awaitsRetry(): boolean {
    const { implicit, status } = this.#step;
    return implicit && status === 'error' && this.#last?.how === 'failed' && isRetriable(this.#last.attempt.statusCode);
  }

  /**
   * The error that the run's function threw explains the last attempt: a timeout error if that was aborted before the headers, an abort error
   * if the caller stopped the call while its client waited for the retry.
   */
  explainedBy(error: unknown): void {
    const last = this.#last;
    if (!last) return;
    if (isTimeout(error)) {
      if (mayBeTimeout(last)) this.#timedOut(last, error);
    } else if (isAbort(error) && !isTimeout(last.signal?.reason) && this.awaitsRetry) this.#stopped(last);
  }

  endStopWatch(): void {
    this.#stopWatch?.();
    this.#stopWatch = undefined;
  }

  #timedOut(aborted: AttemptEnd, error: unknown): void {
    const ending = asTimeout(aborted, error);
    this.#step.amend(ending);
    this.#timeouts ??= new ClientTimeouts();
    this.#timeouts.add(ending);
    if (this.#last === aborted) this.#last = ending;
    this.#update(ending);
  }

  /** More became known of an attempt that had ended: its call proposes anew. */
  #update(ending: AttemptEnd): void {
    const call = this.#calls.callEndedBy(ending);
    if (!call || this.#step.settled) return;
    this.#calls.update(call, ending);
    if (call.inFlight === 0) this.#proposeFor(call, call.proposal?.options ?? {});
  }

  /** No retry comes any more: what its calls propose then. */
  retriesMissed(): void {
    for (const call of this.#calls.all) {
      const { last, proposal, inFlight } = call;
      if (inFlight > 0 || !last || statusWithoutRetry(last) === statusOf(last)) continue;
      this.#proposeFor(call, proposal?.options ?? {}, statusWithoutRetry);
    }
  }

  #proposeFor(call: ClientCall, options: StepOptions, judge: (ending: AttemptEnd) => TerminalStatus = statusOf): void {
    const deciding = call.attempts.deciding(judge);
    if (!deciding) return;
    const { ending, status } = deciding;
    const before = call.proposal;
    call.proposal = endingProposal(ending, options, call.attempts.endedAt, status);
    if (before) this.#step.withdraw(before);
    this.#step.propose(call.proposal);
  }

  /** The response goes on in the background: its call proposes when the response has ended, or the run. */
  #waitForResponse(call: ClientCall, request: AttemptEnd, options: StepOptions): void {
    const end = (ending: AttemptEnd) => {
      this.#calls.update(call, ending);
      this.#proposeFor(call, options);
    };
    const pollEnded = (ending: AttemptEnd, ended: boolean) => {
      if (ended) end(ending);
      this.#step.recordEnding(ending);
    };
    new BackgroundResponse(this.#step, { pollEnded, leftInBackground: end }, request);
  }

  #watchForStop(ending: AttemptEnd): void {
    this.endStopWatch();
    const { home, implicit } = this.#step;
    const { newestCall } = home;
    const { retryCount } = ending.outgoing;
    this.#stopWatch = watchForStop(ending, () => {
      if (!this.#step.isPending && !home.isRunning) return;
      // Nothing shows whether the client waited for a retry. A call that the run has begun since then may show that it had given up; not if
      // the client is one that retries, and that call goes on while this one is stopped.
      const next = ending.retry === 'possible' && implicit && home.newestCall !== newestCall && home.newestCall;
      const gaveUp = next && (retryCount === undefined || next.signal?.aborted);
      if (!gaveUp) this.#stopped(ending);
    });
  }

  /** The caller stopped the call while its client waited for the retry of `ending`. */
  #stopped(ending: AttemptEnd): void {
    ending.stoppedAt = this.#step.now();
    this.#update(ending);
  }
}
