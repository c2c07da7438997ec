import type { AttemptStatus, RunDetail } from '../../model.js';
import { WORDS } from '../parts/status.js';

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
