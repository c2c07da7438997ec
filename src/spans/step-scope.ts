import type { Attributes, Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { Clock } from '../otel/clock.js';
import type { ModelCall } from '../providers/detect.js';
import { isTimeout } from './outcome/errors.js';
import type { FinishDetails } from './outcome/finish-details.js';
import {
  type AttemptEnd,
  type AttemptOwner,
  asTimeout,
  type OutgoingRequest,
  type Pending,
  type PendingAttempt,
} from './outcome/http-exchange.js';
import { endingProposal, type Proposal, toProposal } from './outcome/proposals.js';
import type { Status } from './outcome/status.js';
import type { StepOptions } from './outcome/step-options.js';
import { isAbort, isStop } from './outcome/stops.js';
import { type Tail, type TailEnd, watchReturned } from './returned-stream.js';
import type { StepHome } from './run-part.js';
import type { StepRecording } from './step.js';

/** An explicit `step()`: what its scope says is what counts. Several share one step in a reuse scope. */
export class StepScope implements AttemptOwner, Pending {
  readonly step: StepRecording;
  readonly #options: StepOptions;
  /** Whether it is made by a client's own hooks, which accept what the wire knows to be no answer: then the wire is believed. */
  readonly #strict: boolean;
  /** Attempts of the step when this scope began: in a reuse scope, those of others. */
  readonly #countBefore: number;
  #live = 0;
  #begun = false;
  #understood = false;
  #last: AttemptEnd | undefined;
  /** What it proposed last; nothing less than that is proposed after it. */
  #said: Proposal | undefined;
  /** Attempts that began after it was closed. */
  #late: Set<PendingAttempt> | undefined;
  #state: 'open' | 'returned' | 'closed' = 'open';
  /** That it is completed was said because its function had returned, and for nothing else: there was no attempt. */
  #presumed = false;
  #tail: Tail | undefined;
  #signOfLife = performance.now();

  constructor(step: StepRecording, options: StepOptions, strict = false) {
    this.step = step;
    this.#options = options;
    this.#strict = strict;
    this.#countBefore = step.log.count;
    step.open(this);
  }

  get capturing(): CaptureSettings {
    return this.step.capturing;
  }

  get home(): StepHome {
    return this.step.home;
  }

  get now(): Clock {
    return this.step.now;
  }

  /** Whether its function has neither returned nor thrown. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether application code has proposed a terminal status. */
  get hasStatus(): boolean {
    return this.#said !== undefined;
  }

  /** Whether it has made a call. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether the wire tells of its calls: one of them is in a protocol that can be read. */
  get understood(): boolean {
    return this.#understood;
  }

  /** Whether all of its calls so far have failed. */
  get awaitsRetry(): boolean {
    return this.#state === 'open' && this.#live === 0 && this.#last?.how !== 'answered';
  }

  /** Adds to what it was told. */
  note(attributes: Attributes): void {
    this.#options.attributes = { ...this.#options.attributes, ...attributes };
  }

  contextFor(active: Context): Context {
    return this.step.contextFor(active);
  }

  recall(outgoing: OutgoingRequest): ModelCall | undefined {
    return this.step.recall(outgoing);
  }

  begin(live: PendingAttempt): { number: number; resendCount: number } {
    if (this.#presumed) this.#reopen();
    this.#begun = true;
    this.#understood ||= live.call !== undefined;
    if (this.#state === 'closed') this.#late = (this.#late ?? new Set()).add(live);
    else this.#live++;
    return this.step.begin(live);
  }

  refused(live: PendingAttempt): void {
    this.step.refused(live);
  }

  end(live: PendingAttempt, ending: AttemptEnd): void {
    if (this.#late?.delete(live)) {
      // Nobody but the wire can say how it ended.
      this.step.end(live, ending, this.#options);
      return;
    }
    this.#live--;
    this.#signOfLife = performance.now();
    if (!this.#last || ending.attempt.number >= this.#last.attempt.number) this.#last = ending;
    // The function threw while the call was in flight: what is known of it now belongs to what was said then.
    if (this.#state === 'closed' && this.#said) this.#said.ending = this.#last;
    this.step.record(live, ending);
    if (this.#state === 'returned') this.#conclude(ending.attempt.endedAt);
  }

  amend(ending: AttemptEnd): void {
    if (this.#last?.attempt.number === ending.attempt.number) this.#last = ending;
    this.step.amend(ending);
  }

  /** What application code says. It outranks whatever the scope's end would say. */
  finish(status: Status, details: FinishDetails | undefined): void {
    const proposal = this.#proposal(status, this.now(), details);
    if (status !== 'in_progress') this.#said = proposal;
    this.step.propose(proposal);
  }

  /** What is behind an abort: a client that waits to ask again says that it was aborted, also where its time had run out. */
  reasonFor(error: unknown): unknown {
    const reason: unknown = this.#last?.signal?.reason;
    return isAbort(error) && isTimeout(reason) ? reason : error;
  }

  /** The scope's function threw. */
  threw(thrown: unknown): void {
    if (this.#state !== 'open') return;
    this.step.concludeRefused();
    const error = this.reasonFor(thrown);
    const last = this.#last;
    const interrupted = isStop(error, this.home, this.#last);
    if (last?.how === 'aborted' && last.beforeHeaders && isTimeout(error)) this.amend(asTimeout(last, error));
    // Whoever stops it while it waits to be tried again stops it, whatever became of the attempt before.
    const stopped = interrupted || isTimeout(error);
    if (this.#strict && last && last.how !== 'answered' && !stopped) this.#sayOnce(endingProposal(last, this.#options));
    else this.#sayOnce(interrupted ? this.#proposal('interrupted') : this.#proposal('error', this.now(), { error }));
    this.#close();
  }

  /** The scope's function returned; a stream that it returned, or that it left open, keeps the scope open. */
  returned(value: unknown, watch = watchReturned): void {
    if (this.#state !== 'open') return;
    this.#state = 'returned';
    this.step.concludeRefused();
    if (this.#live === 0 && this.#state === 'returned') {
      this.#tail = watch(value, (end) => this.#tailEnded(end));
      if (!this.#tail) this.#conclude();
    }
  }

  idleSince(): number | undefined {
    return this.#tail ? this.#tail.idleSince() : this.#signOfLife;
  }

  giveUp(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'returned' && this.#live === 0) {
      const idleSince = this.#tail?.idleSince() ?? performance.now();
      const leftAt = this.now() - (performance.now() - idleSince);
      const leftAlone = this.#tail?.begun && !this.#last;
      this.#tail = undefined;
      if (leftAlone) this.#sayOnce(this.#proposal('interrupted', leftAt));
      this.#conclude(this.#last?.attempt.endedAt ?? leftAt);
      return;
    }
    this.#sayOnce(this.#proposal('interrupted'));
    this.#close();
  }

  #tailEnded(end: TailEnd): void {
    this.#tail = undefined;
    if (this.#state !== 'returned') return;
    if (end.how === 'broke' && !isStop(end.error, this.home, this.#last)) {
      this.#sayOnce(this.#proposal('error', this.now(), { error: end.error }));
    } else if (end.how !== 'ended') {
      this.#sayOnce(this.#proposal('interrupted'));
    }
    this.#conclude();
  }

  /** The function has returned: the last attempt's own end counts, where it is worse than that. */
  #conclude(at?: number): void {
    // A returned object that nobody iterates over may be consumed by other ways: then the wire alone tells.
    if (this.#live > 0 || (this.#tail && (this.#tail.begun || !this.#last)) || this.#state !== 'returned') return;
    const last = this.#last;
    const answered = last && (last.how === 'answered' || (last.how === 'invalid' && !this.#strict));
    if (!this.#said) {
      this.#presumed = !last && this.step.log.count === this.#countBefore;
      if (last && !answered) this.#sayOnce(endingProposal(last, this.#options));
      else this.#sayOnce((!last && this.#handRecorded(at)) || this.#proposal('completed', at));
    }
    this.#close();
  }

  /** Some functions return before they have begun their call. How that ends is how the scope ended. */
  #reopen(): void {
    this.#presumed = false;
    if (!this.#said || !this.step.retract(this.#said)) return;
    this.#said = undefined;
    this.#state = 'returned';
    this.step.open(this);
  }

  /** Attempts that were given by hand count like those on the wire. */
  #handRecorded(at: number | undefined): Proposal | undefined {
    const last = this.step.log.count > this.#countBefore ? this.step.log.last() : undefined;
    if (!last || last.status === 'completed') return undefined;
    if (last.status !== 'failed') return this.#proposal('interrupted', at);
    const type = last.errorType ?? String(last.statusCode ?? '_OTHER');
    return { ...this.#proposal('error', at), failure: { type } };
  }

  #proposal(status: Status, at = this.now(), details?: FinishDetails): Proposal {
    return toProposal(status, at, details, this.#last, this.#options);
  }

  #sayOnce(proposal: Proposal): void {
    if (this.#said) return;
    this.#said = proposal;
    this.step.propose(proposal);
  }

  #close(): void {
    this.#state = 'closed';
    this.step.close(this);
  }
}
