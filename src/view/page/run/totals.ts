import type { RunDetail } from '../../model.js';
import { endOf, isModelCall, isTool, spanEnd, waitsOf } from './spans.js';

/** Milliseconds. The four parts add up to `all`: each moment of the run counts once, for the first part in this order. */
export interface Totals {
  /** An attempt was in flight, of whichever step. */
  readonly model: number;
  /** A step waited for its next attempt. */
  readonly waiting: number;
  readonly tools: number;
  /** The rest. */
  readonly own: number;
  readonly all: number;
}

const PARTS = ['model', 'waiting', 'tools'] as const;
type Part = (typeof PARTS)[number];

/** `undefined` where the run's span was delivered without an end. */
export function totalsOf(detail: RunDetail, now: number): Totals | undefined {
  const [run] = detail.spans;
  if (!run || (run.endMillis === undefined && run.status !== 'in_progress')) return undefined;
  const totals = { model: 0, waiting: 0, tools: 0, own: 0, all: 0 };
  const from = run.startMillis;
  const to = Math.max(from, spanEnd(run, now));
  const active: Record<Part, number> = { model: 0, waiting: 0, tools: 0 };
  let last = from;
  for (const { at, part, by } of changesOf(detail, now).sort((a, b) => a.at - b.at)) {
    const until = Math.min(to, Math.max(from, at));
    totals[PARTS.find((name) => active[name] > 0) ?? 'own'] += until - last;
    last = until;
    active[part] += by;
  }
  totals.own += to - last;
  totals.all = to - from;
  return totals;
}

interface Change {
  readonly at: number;
  readonly part: Part;
  readonly by: 1 | -1;
}

function changesOf({ spans }: RunDetail, now: number): Change[] {
  const changes: Change[] = [];
  const add = (part: Part, from: number, to: number) => {
    if (to > from) changes.push({ at: from, part, by: 1 }, { at: to, part, by: -1 });
  };
  for (const span of spans) {
    for (const attempt of span.attempts) add('model', attempt.startMillis, endOf(attempt, now));
    for (const wait of waitsOf(span, now)) add('waiting', wait.from, wait.to);
    // A model call whose attempts nothing observed is all that is known of the model's time.
    if (isModelCall(span) && span.attempts.length === 0) add('model', span.startMillis, spanEnd(span, now));
    if (isTool(span)) add('tools', span.startMillis, spanEnd(span, now));
  }
  return changes;
}
