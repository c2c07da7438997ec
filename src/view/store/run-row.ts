import type { RunRow } from '../model.js';
import { MOST_CODES, type SpanFacts } from './span-facts.js';
import { defined } from './values.js';

const MOST_MODELS = 20;

/** The row of a trace; `undefined` if nothing in it belongs to a run or is a model call. */
export function rowOf(traceId: string, spans: readonly SpanFacts[], lostContact: boolean): RunRow | undefined {
  const top = topOf(spans);
  if (!top) return undefined;
  const calls = spans.filter(
    ({ kind, codes, model }) => kind === 'step' || (kind === 'other' && (codes.length > 0 || model)),
  );
  const steps = calls.sort((a, b) => a.startMillis - b.startMillis);
  const codes = steps.flatMap((step) => step.codes).sort((a, b) => a.atMillis - b.atMillis);
  const isEnded = top.status !== 'in_progress';
  return defined({
    traceId,
    spanId: top.spanId,
    name: top.name,
    // A run whose own span is missing has no status: it is still open, or lost.
    status: top.kind === 'step' && isEnded ? 'unknown' : top.status,
    kind: top.runKind,
    conversationId: top.conversationId,
    models: [...new Set(steps.flatMap(({ model }) => model ?? []))].slice(0, MOST_MODELS),
    attemptCodes: codes.slice(0, MOST_CODES).map(({ code }) => code),
    waitedMillis: sum(steps, ({ waitedMillis }) => waitedMillis) ?? 0,
    startMillis: top.startMillis,
    durationMillis: top.endMillis === undefined ? undefined : Math.max(0, top.endMillis - top.startMillis),
    inputTokens: sum(steps, ({ inputTokens }) => inputTokens) ?? top.inputTokens,
    outputTokens: sum(steps, ({ outputTokens }) => outputTokens) ?? top.outputTokens,
    stepCount: steps.length || (top.stepCount ?? 0),
    failedAttempts: sum(steps, ({ failedAttempts }) => failedAttempts) ?? 0,
    reason: top.reason,
    live: !isEnded,
    lostContact: lostContact && !isEnded,
  });
}

/** The run above all others, else the topmost span that belongs to one; the earliest of several. */
function topOf(spans: readonly SpanFacts[]): SpanFacts | undefined {
  const listed = spans.filter(({ isListed }) => isListed);
  const runs = listed.filter(({ kind }) => kind === 'run');
  const candidates = runs.length > 0 ? runs : listed;
  const ids = new Set(candidates.map(({ spanId }) => spanId));
  const tops = candidates.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId));
  // In a circle of parents each has one.
  return (tops.length > 0 ? tops : candidates).reduce<SpanFacts | undefined>(
    (first, it) => (first && first.startMillis <= it.startMillis ? first : it),
    undefined,
  );
}

function sum(spans: readonly SpanFacts[], of: (span: SpanFacts) => number | undefined): number | undefined {
  return spans.reduce<number | undefined>((total, span) => {
    const value = of(span);
    return value === undefined ? total : (total ?? 0) + value;
  }, undefined);
}
