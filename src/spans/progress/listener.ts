/**
 * The one optional listener to runs, steps and tool calls in progress. It serves the live channel of the local viewer, and nothing is exported through it.
 *
 * The slot is a global, so that the listener hears the runs of every copy of this package in the process. What crosses it is plain data.
 */
import type { Attributes, Span } from '@opentelemetry/api';
import { report } from '../../util/diagnostics.js';

/** An event of a snapshot. */
export interface SnapshotEvent {
  readonly name: string;
  /** Milliseconds since the epoch, with fractions. */
  readonly atMillis: number;
  readonly attributes: Attributes;
}

/** A span as it is now, at the capture level of its run, redacted. */
export interface SpanSnapshot {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  /** `service.name` of the resource, where the span tells it. */
  readonly service?: string | undefined;
  /** Milliseconds since the epoch, with fractions. */
  readonly startMillis: number;
  /** Absent while it is in progress. */
  readonly endMillis?: number | undefined;
  readonly attributes: Attributes;
  readonly events: readonly SnapshotEvent[];
  /** OpenTelemetry's status code. Absent while it is in progress. */
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
}

/** A run, step or tool call, as a listener may look at it. */
export interface InProgress {
  readonly span: Span;
  /** Whether its span has ended. */
  readonly hasEnded: boolean;
  /** What it is now. Called outside of the application's turn. */
  snapshot(): SpanSnapshot;
}

export interface ProgressListener {
  /** It began, changed or ended. Called in the application's turn: it takes a note, and returns. */
  changed(part: InProgress): void;
}

const LISTENER = Symbol.for('runtrace.progress_listener');
const slot = globalThis as { [LISTENER]?: ProgressListener | undefined };

/** Whether there is a listener, of this copy of the package or of another one. */
export function isListenedTo(): boolean {
  return slot[LISTENER] !== undefined;
}

/** Sets the listener, or takes it away. */
export function listenToProgress(listener: ProgressListener | undefined): void {
  slot[LISTENER] = listener;
}

/** Tells the listener, if there is one, that `part` began, changed or ended. */
export function progressed(part: InProgress): void {
  const listener = slot[LISTENER];
  if (!listener) return;
  try {
    listener.changed(part);
  } catch (error) {
    report('a run could not be shown in the local viewer', error);
  }
}
