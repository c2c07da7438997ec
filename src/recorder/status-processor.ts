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
import { nextTurn } from '../spans/settle/next-turn.js';
import { guarded } from '../util/diagnostics.js';
import { badOption } from '../util/validation.js';

/** What the processor reads and writes of an ended span; the same in SDK 2.x and 3.x. */
interface EndedSpan {
  readonly attributes: object;
  readonly status: object;
}

/** The proposals for a span that runtrace did not start. */
interface Reported {
  readonly proposals: Proposals;
  /** That of the run in which a status was first reported. */
  readonly redactor: Redactor;
}

const reported = new WeakMap<object, Reported>();

let builtIn: Redactor | undefined;

/** The redactor of the active run; without a run, that of the built-in rules. */
function activeRedactor(): Redactor {
  const redactor = runOf(context.active())?.recording.capturing.redactor;
  if (redactor) return redactor;
  builtIn ??= createRedactor();
  return builtIn;
}

/**
 * Proposes how a span ended: a span of runtrace or any other recording span. The status-priority rule decides. For a span that runtrace
 * did not start, it decides when the span ends, and only if a {@link StatusPrioritySpanProcessor} is registered; `setStatus` then has no
 * effect on that span.
 *
 * Does nothing if `span` is `undefined`. Throws a `TypeError` for an unknown status, bad details, or a value that is no span.
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
    known.proposals.propose(toProposal(status, Date.now(), details));
  }
}

/**
 * Applies the status-priority rule where the SDK exports. List it first:
 *
 * - it writes the outcome of runs and steps before any other processor sees the span, so `setStatus` and `end` of other code have no effect;
 * - it applies what {@link reportStatus} proposed for other spans;
 * - it settles on `forceFlush` (held steps of runs that are over) and `shutdown` (everything; what is in progress becomes `interrupted`);
 * - it writes `runtrace.run.id` to every other span started inside a run.
 *
 * It is a `SpanProcessor` of the SDK 2.x and 3.x.
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
   * Settles the held steps of runs that are over, at once and without any timer. If a run is still open, it settles again a turn of the event
   * loop later, and resolves then: after a stream is cancelled, its call and its run end a little later than its reader learns of it.
   */
  async forceFlush(): Promise<void> {
    this.#settleWhatIsOver();
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => nextTurn(resolve));
    this.#settleWhatIsOver();
  }

  /** Settles everything; what is in progress ends as `interrupted`. Nothing is recorded after that. */
  async shutdown(): Promise<void> {
    // The newest first: a run inside another one ends before it.
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

  /** Reads private fields of the SDK, which has no public way to ask. Reports nothing if they are missing. */
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

/** Writes the outcome of a span that runtrace did not start, for the processors after this one. */
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
