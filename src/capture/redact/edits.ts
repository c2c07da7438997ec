/** Replaces a secret. The semantic conventions require this word in `url.full`, so runtrace writes it everywhere. */
export const REDACTED = 'REDACTED';

/** A part of a text, from `start` up to `end`, and its replacement. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits to a text. They must be sorted and must not overlap, as `inOrder` returns them. */
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

/** Sorts edits and merges those that overlap. Of two edits of the same part the later one wins. */
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
