import type { RunRow } from '../../model.js';
import type { Filter } from '../data/route.js';
import { shownStatus } from '../parts/status.js';

/** Whether the list shows a run. Every word of the text must be in the row somewhere, in capital or small letters. */
export function matches(
  row: RunRow,
  { status, kind, model, failedAttempts }: Filter,
  words: readonly string[],
): boolean {
  if (status !== undefined && shownStatus(row) !== status) return false;
  if (kind !== undefined && row.kind !== kind) return false;
  if (model !== undefined && !row.models.includes(model)) return false;
  if (failedAttempts && row.failedAttempts === 0) return false;
  if (words.length === 0) return true;
  const text = textOf(row);
  return words.every((word) => text.includes(word));
}

export function wordsOf(text: string | undefined): string[] {
  return (text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
}

function textOf({ traceId, name, kind, conversationId, models, attemptCodes, reason, status }: RunRow): string {
  return [traceId, name, kind, conversationId, ...models, attemptCodes.join(' '), reason, status]
    .join(' ')
    .toLowerCase();
}
