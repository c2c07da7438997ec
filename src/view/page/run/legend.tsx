import type { AttemptStatus, RunDetail, SpanNode } from '../../model.js';
import { plural } from '../parts/format.js';
import { WORDS } from '../parts/status.js';
import { offAxis, type TimeRange } from './spans.js';

const STATUSES: readonly AttemptStatus[] = ['completed', 'failed', 'aborted', 'unread', 'in_flight'];

/** What the colours and patterns of this run's bars mean. */
export function Legend({ detail }: { detail: RunDetail }) {
  const attempts = detail.spans.flatMap((span) => span.attempts);
  if (attempts.length === 0) return null;
  const used = STATUSES.filter((status) => attempts.some((attempt) => attempt.status === status));
  return (
    <p class="legend">
      {used.map((status) => (
        <span key={status}>
          <span class={`swatch bar attempt after ${status}`} aria-hidden="true" /> {WORDS[status]}
        </span>
      ))}
      {detail.spans.some(({ waiting, attempts }) => waiting || attempts.some(({ waitMillis }) => waitMillis)) && (
        <span>
          <span class="swatch bar wait" aria-hidden="true" /> wait
        </span>
      )}
      <span>pale: before the first chunk</span>
    </p>
  );
}

/** Why some spans have no bar. */
export function OffAxisNote({ spans, range }: { spans: readonly SpanNode[]; range: TimeRange }) {
  const off = spans.filter((span) => offAxis(span, range)).length;
  if (off === 0) return null;
  return (
    <p class="note">
      {plural(off, 'span')} outside of the time shown: measured by another clock than the span above, or much later.
    </p>
  );
}
