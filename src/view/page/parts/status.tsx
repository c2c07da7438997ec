import type { AttemptStatus, ShownStatus } from '../../model.js';

/** A status as the page shows it. `lost_contact` is a run in progress that gives no sign of life. */
export type Shown = ShownStatus | AttemptStatus | 'lost_contact';

/** The variation selector keeps browsers from drawing a glyph as a coloured picture. */
const AS_TEXT = '\ufe0e';
const GLYPHS: Readonly<Record<Shown, string>> = {
  completed: '✔',
  error: '✖',
  failed: '✖',
  interrupted: '■',
  aborted: '■',
  unread: '□',
  in_progress: '▶',
  in_flight: '▶',
  lost_contact: '◌',
  unknown: '·',
};
export const WORDS: Readonly<Record<Shown, string>> = {
  completed: 'completed',
  error: 'error',
  failed: 'failed',
  interrupted: 'interrupted',
  aborted: 'aborted',
  unread: 'unread',
  in_progress: 'in progress',
  in_flight: 'in flight',
  lost_contact: 'lost contact',
  unknown: 'unknown',
};

/** Glyph and word: either is enough without the other, and both without colour. */
export function Status({ of }: { of: Shown }) {
  return (
    <span class={`status ${of}`}>
      <Glyph of={of} /> {WORDS[of] ?? 'unknown'}
    </span>
  );
}

/** The glyph alone, where the word stands elsewhere in the row. */
export function Glyph({ of }: { of: Shown }) {
  return (
    <span class={`glyph ${of}`} aria-hidden="true">
      {(GLYPHS[of] ?? GLYPHS.unknown) + AS_TEXT}
    </span>
  );
}

/** What a row of the list or the heading of a run shows. */
export function shownStatus(row: { status: ShownStatus; lostContact: boolean }): Shown {
  return row.lostContact && row.status === 'in_progress' ? 'lost_contact' : row.status;
}
