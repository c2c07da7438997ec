import { type Context, context, type Span } from '@opentelemetry/api';
import { keptAttributes } from '../capture/captured-content.js';
import { createRedactor, type Redactor } from '../capture/redact/redactor.js';
import * as names from '../otel/names.js';
import { nextTurn } from '../otel/next-turn.js';
import { unwrapped } from '../otel/unwrap-span.js';
import { runOf } from '../spans/context.js';
import { markStatusProcessor } from '../spans/omissions/processor-check.js';
import { checkFinish, type FinishDetails } from '../spans/outcome/finish-details.js';
import { detailedProposal, type Proposal, Proposals } from '../spans/outcome/proposals.js';
import { outcomeFailure, spanStatus } from '../spans/outcome/span-status.js';
import type { Status } from '../spans/outcome/status.js';
import { noteStart } from '../spans/routing/model-span.js';
import { type ManagedSpan, managedSpanOf, type SpanOwner, takeStarting } from '../spans/settle/managed-span.js';
import { guarded } from '../util/diagnostics.js';
import { badOption } from '../util/validation.js';

/** The fields of an ended span that the processor reads and writes. The SDK 2.x and 3.x both have them. */
interface EndedSpan {
  readonly attributes: object;
  readonly status: object;
}

/** The proposals for a span that runtrace did not start. */
interface Reported {
  readonly proposals: Proposals;
  /** The redactor of the run in which a status was first reported. */
  readonly redactor: Redactor;
}

const reported = new WeakMap<object, Reported>();

let builtIn: Redactor | undefined;

/** The redactor of the active run, or outside of runs one with the built-in rules. */
function activeRedactor(): Redactor {
  const redactor = runOf(context.active())?.recording.capturing.redactor;
  if (redactor) return redactor;
  builtIn ??= createRedactor();
  return builtIn;
}

/**
 * Proposes a status for a span that is recording, of runtrace or of any other instrumentation. The status-priority rule decides between
 * proposals.
 *
 * For a span that runtrace did not start, the rule decides when the span ends, and only if the provider has a
 * {@link StatusPrioritySpanProcessor} or a `RuntraceSpanProcessor`. The outcome then replaces the status that was set with `setStatus`.
 *
 * With `undefined` in place of a span, nothing happens.
 *
 * @throws TypeError for an unknown status, bad details, or a value that is not a span.
 *
 * @example reportStatus(trace.getActiveSpan(), 'interrupted');
 */
export function reportStatus(span: Span | undefined, status: Status, details?: FinishDetails): void {
  checkFinish(status, details);
  if (span == null) return;
  if (typeof span.isRecording !== 'function') throw badOption('span', 'a Span', span);
  const owned = managedSpanOf(span);
  if (owned) {
    owned.owner.proposeStatus(status, details);
  } else if (span.isRecording()) {
    const theirs = unwrapped(span);
    const known = reported.get(theirs) ?? { proposals: new Proposals(), redactor: activeRedactor() };
    reported.set(theirs, known);
    known.proposals.propose(detailedProposal(status, Date.now(), details));
  }
}

/**
 * Applies the status-priority rule. List it before all other processors:
 *
 * - it writes the outcome of runs and steps before any other processor sees the span, so a foreign `setStatus` or `end` has no effect;
 * - it writes the outcome of the proposals that {@link reportStatus} made for other spans;
 * - on `forceFlush` it settles the held steps of runs that are over; on `shutdown` it settles everything, open runs as `interrupted`;
 * - it writes `runtrace.run.id` on every other span that starts inside a run.
 *
 * It implements the `SpanProcessor` of the SDK 2.x and 3.x. `RuntraceSpanProcessor` contains one.
 *
 * @example
 * new NodeSDK({ spanProcessors: [new StatusPrioritySpanProcessor(), new BatchSpanProcessor(new RuntraceExporter())] });
 */
export class StatusPrioritySpanProcessor {
  readonly #open = new Set<SpanOwner>();
  #shutDown = false;

  constructor() {
    markStatusProcessor(this, false);
  }

  onStart(span: Span, parentContext: Context): void {
    guarded('a span could not be guarded', () => {
      const starting = takeStarting();
      const guardedBefore = starting ? undefined : managedSpanOf(span);
      if (starting) this.#adopt(starting, span);
      // Another processor like this one comes before it in the list.
      else if (guardedBefore) this.#watch(guardedBefore);
      else {
        this.#stamp(span, parentContext);
        noteStart(span, parentContext);
      }
    });
  }

  onEnd(span: EndedSpan): void {
    guarded('the outcome of a span could not be written', () => {
      const owned = managedSpanOf(span);
      if (owned?.status) {
        (span as { status: object }).status = owned.status;
        if (owned.standsAlone) this.#open.delete(owned.owner);
        return;
      }
      const known = reported.get(span);
      if (known?.proposals.outcome) writeOutcome(span, known.proposals.outcome, known.redactor);
    });
  }

  /**
   * Settles the held steps of runs that are over, at once and without any timer. If a run is still open, it settles again a turn of the event
   * loop later, and resolves then: after a stream is cancelled, its call and its run end a little later than its reader learns of it.
   */
  async forceFlush(): Promise<void> {
    this.#settleEach((run) => run.flush());
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => nextTurn(resolve));
    this.#settleEach((run) => run.flush());
  }

  /** Settles everything; runs and steps in progress end as `interrupted`. Nothing is recorded afterwards. */
  async shutdown(): Promise<void> {
    this.settleAll();
    this.#shutDown = true;
  }

  /**
   * Settles everything at once; runs and steps in progress end as `interrupted`. For the end of a process.
   *
   * @internal
   */
  settleAll(): void {
    this.#settleEach((run) => run.shutdown());
    this.#open.clear();
  }

  /** The newest first, because a run inside another one must end before it. */
  #settleEach(settle: (owner: SpanOwner) => void): void {
    for (const owner of [...this.#open].reverse()) guarded('settling failed', () => settle(owner));
  }

  #adopt(owned: ManagedSpan, span: Span): void {
    if (this.#shutDown) {
      owned.refuse();
      return;
    }
    owned.guard(span);
    this.#watch(owned);
  }

  #watch(owned: ManagedSpan): void {
    if (owned.standsAlone && !this.#shutDown) this.#open.add(owned.owner);
  }

  #stamp(span: Span, parentContext: Context): void {
    const run = runOf(parentContext);
    if (run) span.setAttribute(names.RUN_ID, run.recording.id);
  }
}

/** Writes the outcome on a span that runtrace did not start, for the processors after this one. */
function writeOutcome(span: EndedSpan, outcome: Proposal, redactor: Redactor): void {
  if (outcome.status === 'in_progress') return;
  const attributes = span.attributes as Record<string, unknown>;
  const failure = outcomeFailure(outcome, { content: false, redactor });
  attributes[names.STATUS] = outcome.status;
  if (failure) attributes[names.ERROR_TYPE] = failure.type;
  else delete attributes[names.ERROR_TYPE];
  Object.assign(attributes, keptAttributes(outcome.attributes, { redactor }));
  (span as { status: object }).status = spanStatus(outcome.status, failure);
}
