/** What both stand-ins for a secret are: in `url.full` the conventions ask for this very word, so it is used everywhere. */
export const REDACTED = 'REDACTED';

/** A piece of a text, from `start` up to `end`, and what stands there instead. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with all edits made. They must be in order and apart, as `inOrder` leaves them. */
export function applyEdits(text: string, edits: readonly Edit[], end = text.length): string {
  if (edits.length === 0) return end === text.length ? text : text.slice(0, end);
  let result = '';
  let at = 0;
  for (const edit of edits) {
    if (edit.start >= end) break;
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return at < end ? result + text.slice(at, end) : result;
}

/** Edits in order and apart: where two overlap, all that either covers is replaced, and of two for the same piece the later counts. */
export function inOrder(edits: readonly Edit[]): readonly Edit[] {
  if (edits.length < 2) return edits;
  const sorted = edits.toReversed().sort((a, b) => a.start - b.start || b.end - a.end);
  const apart: Edit[] = [];
  let last = sorted[0] as Edit;
  for (const edit of sorted.slice(1)) {
    if (edit.start >= last.end) {
      apart.push(last);
      last = edit;
    } else if (edit.end > last.end) {
      last = { start: last.start, end: edit.end, text: last.text };
    }
  }
  apart.push(last);
  return apart;
}
