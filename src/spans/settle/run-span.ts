import { type Attributes, type Context, type Link, type Span, SpanKind } from '@opentelemetry/api';
import { AttributeWriter } from '../../capture/attribute-writer.js';
import { keepValues } from '../../capture/captured-content.js';
import type { RunIdentity } from '../../capture/levels.js';
import { toHrTime } from '../../otel/clock.js';
import * as names from '../../otel/names.js';
import { copyGiven, merged } from '../../util/validation.js';
import { MAX_STATUS_UPDATES, type Proposal, type Proposals } from '../outcome/proposals.js';
import { outcomeFailure, spanStatus, writeFailure } from '../outcome/span-status.js';
import type { InProgress, SpanSnapshot } from '../progress/listener.js';
import { proposedAttributes, snapshotOf } from '../progress/snapshot.js';
import type { RunRecording } from '../run.js';
import { identityAttributes, runName } from '../run-attributes.js';
import type { RunTotals } from '../run-totals.js';
import { ManagedSpan } from './managed-span.js';

/** How the span of a run starts. */
export interface RunSpanStart {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Whether it begins a trace of its own. */
  readonly isRoot: boolean;
  readonly links: Link[];
  /** The attributes that the application gave. They are written when the run settles. */
  readonly given: Attributes | null | undefined;
}

/** The span of one run. It starts with the run's identity, which samplers read; all else is written when the run settles. */
export class RunSpan implements InProgress {
  readonly span: Span;
  /** False if the sampler dropped it. */
  readonly isRecording: boolean;
  readonly #managed: ManagedSpan;
  readonly #run: RunRecording;
  readonly #startedAt: number;
  readonly #identity: Attributes;
  readonly #given: Attributes | undefined;

  constructor(run: RunRecording, identity: RunIdentity, start: RunSpanStart, ctx: Context) {
    const { startedAt, isRoot, links, given } = start;
    this.#run = run;
    this.#startedAt = startedAt;
    this.#identity = keepValues(identityAttributes(identity), run.capturing);
    this.#identity[names.RUN_ID] = run.id;
    const startTime = toHrTime(startedAt);
    const options = { kind: SpanKind.INTERNAL, startTime, attributes: this.#identity, root: isRoot, links };
    this.#managed = new ManagedSpan(run, true, run.tracer, runName(this.#identity), options, ctx);
    this.span = this.#managed.span;
    this.isRecording = this.#managed.isRecording;
    this.#given = copyGiven(given);
  }

  get hasEnded(): boolean {
    return this.#run.settled;
  }

  /** The run as it is now, for the local viewer. */
  snapshot(): SpanSnapshot {
    const { outcome, capturing } = this.#run;
    const name = runName(this.#identity);
    const attributes = { ...this.#identity, ...proposedAttributes(outcome, capturing) };
    return snapshotOf({ span: this.span, name, startedAt: this.#startedAt, attributes }, [], this.hasEnded);
  }

  /** Writes the outcome and the totals, and ends the span. */
  end(proposals: Proposals, totals: RunTotals): void {
    const outcome = proposals.outcome as Proposal;
    // A run never ends before its steps.
    const endedAt = Math.max(outcome.at, this.#startedAt, totals.lastStepEndedAt);
    const { capturing } = this.#run;
    const failure = outcomeFailure(outcome, capturing);
    const write = (span: Span) => {
      const given = merged(this.#given, outcome.attributes);
      const to = new AttributeWriter(span, this.#identity, given, capturing);
      for (const name in this.#identity) to.writeAgain(name);
      totals.write(to, outcome);
      writeFailure(span, to, failure, endedAt);
      proposals.writeHistory(span, endedAt, MAX_STATUS_UPDATES, capturing);
      to.end();
    };
    this.#managed.end(write, spanStatus(outcome.status, failure), endedAt);
  }
}
