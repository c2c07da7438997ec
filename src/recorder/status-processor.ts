import { type Context, context, diag, type Span } from '@opentelemetry/api';
import { keptAttributes } from '../capture/captured-content.js';
import { createRedactor, type Redactor } from '../capture/redact/redactor.js';
import * as names from '../otel/names.js';
import { unwrapped } from '../otel/unwrap-span.js';
import { runOf } from '../spans/context.js';
import { checkFinish, type FinishDetails } from '../spans/outcome/finish-details.js';
import { type Proposal, Proposals, toProposal } from '../spans/outcome/proposals.js';
import { outcomeFailure, spanStatus } from '../spans/outcome/span-status.js';
import type { Status } from '../spans/outcome/status.js';
import { type ManagedSpan, managedSpanOf, type SpanOwner, takeStarting } from '../spans/settle/managed-span.js';
import { guarded } from '../util/diagnostics.js';
import { badOption } from '../util/validation.js';

/** What the processor reads and writes of a span that has ended; the same on every line of the SDK. */
interface EndedSpan {
  readonly attributes: object;
  readonly status: object;
}

/** The proposals for a span that runtrace did not start. */
interface Reported {
  readonly proposals: Proposals;
  /** Of the run that it was first reported in. */
  readonly redactor: Redactor;
}

const reported = new WeakMap<object, Reported>();

let builtIn: Redactor | undefined;

/** The redactor of the run around; without one, that of the built-in rules. */
function redactorHere(): Redactor {
  const redactor = runOf(context.active())?.recording.capturing.redactor;
  if (redactor) return redactor;
  builtIn ??= createRedactor();
  return builtIn;
}

/**
 * Proposes how a span ended: one of runtrace's, or anybody's, as long as it is recording. The status-priority rule decides, for
 * somebody else's span when it ends and only if a {@link StatusPrioritySpanProcessor} is there; its owner's own `setStatus` then doesn't count.
 *
 * Where there is no span (`undefined`), nothing happens. Throws a `TypeError` for an unknown status, bad details, or something that is no span.
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
    const known = reported.get(theirs) ?? { proposals: new Proposals(), redactor: redactorHere() };
    reported.set(theirs, known);
    known.proposals.propose(toProposal(status, Date.now(), details));
  }
}

/**
 * Applies the status-priority rule where the SDK exports. List it first:
 *
 * - it writes the outcome of runs and steps before any other processor sees the span: nobody else's `setStatus` or `end` counts;
 * - it applies what {@link reportStatus} said of other spans;
 * - it settles on `forceFlush` (what is held in runs that are over) and `shutdown` (everything; what still runs is `interrupted`);
 * - it stamps `runtrace.run.id` on every other span started inside of a run.
 *
 * Works with the SDK 2.x and 3.x; it is a `SpanProcessor` of either.
 *
 * @example
 * new NodeSDK({ spanProcessors: [new StatusPrioritySpanProcessor(), new BatchSpanProcessor(new RuntraceExporter())] });
 */
export class StatusPrioritySpanProcessor {
  readonly #open = new Set<SpanOwner>();
  #shutDown = false;
  #checkedPosition = false;

  onStart(span: Span, parentContext: Context): void {
    guarded('a span could not be guarded', () => {
      const owned = takeStarting();
      if (owned) this.#adopt(owned, span);
      else this.#stamp(span, parentContext);
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
   * Settles the held steps of runs that are over, at once; what still runs goes on. Where a run is open, it resolves a turn of the event loop
   * later and settles what is over by then: a stream that was just cancelled ends its call, and so its run, a moment after whoever reads it
   * is told. Whoever flushes one processor after the other then loses nothing.
   */
  async forceFlush(): Promise<void> {
    this.#settleWhatIsOver();
    if (this.#open.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#settleWhatIsOver();
  }

  /** Settles everything; what still runs ends as `interrupted`. Nothing is recorded after it. */
  async shutdown(): Promise<void> {
    // The newest first: a run inside of another one ends before it.
    for (const run of [...this.#open].reverse()) guarded('settling failed', () => run.shutdown());
    this.#open.clear();
    this.#shutDown = true;
  }

  #settleWhatIsOver(): void {
    for (const run of this.#open) guarded('settling failed', () => run.flush());
  }

  #adopt(owned: ManagedSpan, span: Span): void {
    this.#warnIfNotFirst(span);
    if (this.#shutDown) {
      owned.refuse();
      return;
    }
    owned.guard(span);
    if (owned.standsAlone) this.#open.add(owned.owner);
  }

  #stamp(span: Span, parentContext: Context): void {
    const run = runOf(parentContext);
    if (run) span.setAttribute(names.RUN_ID, run.recording.id);
  }

  /** The SDK has no public way to ask; where its fields are others, nothing is said. */
  #warnIfNotFirst(span: Span): void {
    if (this.#checkedPosition) return;
    this.#checkedPosition = true;
    const { _spanProcessor: all } = span as { _spanProcessor?: { _spanProcessors?: unknown[] } };
    const position = all?._spanProcessors?.indexOf(this) ?? 0;
    if (position > 0) {
      diag.warn(
        'runtrace: list StatusPrioritySpanProcessor first in spanProcessors; those before it see spans without their outcome',
      );
    }
  }
}

/** What the rule decided of somebody else's span, as it reaches the processors after this one. */
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
