import * as names from '../../../otel/names.js';
import { shownMillis } from '../../../util/shown-millis.js';
import type { Attempt, RunDetail, SpanNode } from '../../model.js';

/** Whether it is a model call: a step, or another instrumentation's model span. */
export function isModelCall(span: SpanNode): boolean {
  if (span.kind === 'step' || span.attempts.length > 0) return true;
  return span.kind === 'other' && MODEL_OPERATIONS.has(span.attributes[names.GEN_AI_OPERATION_NAME]);
}

const MODEL_OPERATIONS: ReadonlySet<unknown> = new Set(['chat', 'text_completion', 'generate_content', 'embeddings']);

export function isTool(span: SpanNode): boolean {
  return span.kind === 'tool' || span.attributes[names.GEN_AI_OPERATION_NAME] === 'execute_tool';
}

/** The time that the page draws: from the first start to the last end, or to now. What is far from its parent is left out. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

export function rangeOf({ row, spans }: RunDetail, now: number): TimeRange {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const far = new Set<SpanNode | undefined>();
  for (const span of spans) {
    // The run itself is never left out, though a queue may have kept it for long.
    const parent = span.spanId === row.spanId ? undefined : byId.get(span.parentSpanId ?? '');
    if (parent && (far.has(parent) || isFar(span, parent, now))) {
      far.add(span);
      continue;
    }
    from = Math.min(from, span.startMillis);
    // A clock that was set back must not turn the axis around.
    to = Math.max(to, span.startMillis, spanEnd(span, now));
  }
  return Number.isFinite(from) ? { from, to: Math.max(to, from + 0.001) } : { from: 0, to: 1 };
}

/** Between spans that follow on each other, for work that outlives what began it. */
const NEAR_MILLIS = 10_000;

/** A span that starts so long before or after its parent that one axis would show neither: it was measured by another clock, or was late. */
function isFar({ startMillis }: SpanNode, parent: SpanNode, now: number): boolean {
  const end = spanEnd(parent, now);
  const near = Math.max(NEAR_MILLIS, end - parent.startMillis);
  return startMillis < parent.startMillis - near || startMillis > end + near;
}

/** How far from the axis a span starts; `undefined` for one that starts on it. */
export function offAxis(
  { startMillis }: SpanNode,
  { from, to }: TimeRange,
): { side: 'before' | 'after'; millis: number } | undefined {
  if (startMillis < from) return { side: 'before', millis: from - startMillis };
  return startMillis > to ? { side: 'after', millis: startMillis - to } : undefined;
}

/** Where a span ends on the axis. One that was delivered without an end is a point. */
export function spanEnd({ startMillis, endMillis, status }: SpanNode, now: number): number {
  return endMillis ?? (status === 'in_progress' ? now : startMillis);
}

export function shownDuration(span: SpanNode, now: number): string {
  const hasEnd = span.endMillis !== undefined || span.status === 'in_progress';
  return hasEnd ? shownMillis(spanEnd(span, now) - span.startMillis) : 'no end';
}

/** Where an attempt ends on the axis. */
export function endOf(attempt: Attempt, now: number): number {
  return Math.max(attempt.startMillis, attempt.endMillis ?? now);
}

/** A wait between two attempts of a step, or before the next one. */
export interface Wait {
  readonly from: number;
  readonly to: number;
  readonly millis: number;
  readonly askedMillis?: number;
}

export function waitsOf(span: SpanNode, now: number): Wait[] {
  const waits = span.attempts.flatMap((attempt): Wait[] => {
    const { waitMillis, askedMillis, startMillis } = attempt;
    if (waitMillis === undefined || waitMillis <= 0) return [];
    return [
      {
        from: startMillis - waitMillis,
        to: startMillis,
        millis: waitMillis,
        ...(askedMillis !== undefined && { askedMillis }),
      },
    ];
  });
  if (!span.waiting || span.endMillis !== undefined) return waits;
  const { sinceMillis, askedMillis } = span.waiting;
  const millis = Math.max(0, now - sinceMillis);
  return [...waits, { from: sinceMillis, to: now, millis, ...(askedMillis !== undefined && { askedMillis }) }];
}

/** The span to show first: the one that explains how the run ended. */
export function causeOf({ row, spans }: RunDetail): SpanNode | undefined {
  const calls = spans.filter(isModelCall);
  const last = (matching: (span: SpanNode) => boolean) =>
    calls.findLast(matching) ?? spans.findLast((span) => span.kind !== 'run' && matching(span));
  return (
    (row.status === 'error' ? last(({ status }) => status === 'error') : undefined) ??
    (row.status === 'interrupted' ? last(({ status }) => status === 'interrupted') : undefined) ??
    (row.status === 'in_progress' ? last(({ status }) => status === 'in_progress') : undefined) ??
    calls.find(({ status }) => status === 'error') ??
    calls.find(({ attempts }) => attempts.some(({ status }) => status !== 'completed')) ??
    calls.at(-1) ??
    spans[0]
  );
}
