import { shownMillis } from '../../../util/shown-millis.js';
import { plural } from '../parts/format.js';
import { percentOf } from './axis.js';
import type { TimeRange, Wait } from './spans.js';

/** As in the style sheet: the page has one typeface, and its letters are equally wide. */
const LETTER_WIDTH = 6.7;
const MOST_LANES = 3;

export interface WaitLabel {
  readonly says: string;
  readonly left: number;
  readonly lane: number;
}

/** `asked 120 ms, waited 136 ms`. */
export function waitText({ millis, askedMillis }: Wait): string {
  return askedMillis === undefined
    ? `waited ${shownMillis(millis)}`
    : `asked ${shownMillis(askedMillis)}, waited ${shownMillis(millis)}`;
}

/** Places the labels of a step's waits below its bar, each below its wait. One that would cover another goes to the next lane. */
export function labelsOf(waits: readonly Wait[], range: TimeRange, width: number): WaitLabel[] {
  const ends: number[] = [];
  const labels: WaitLabel[] = [];
  for (const [index, wait] of waits.entries()) {
    const says = waitText(wait);
    const left = Math.max(0, Math.min((percentOf(wait.from, range) / 100) * width, width - says.length * LETTER_WIDTH));
    const free = ends.findIndex((end) => end <= left);
    const lane = free >= 0 ? free : ends.length;
    if (lane === MOST_LANES) {
      const rest = waits.slice(index);
      const millis = rest.reduce((sum, it) => sum + it.millis, 0);
      labels.push({ says: `and ${plural(rest.length, 'more wait')}, ${shownMillis(millis)}`, left: 0, lane });
      break;
    }
    ends[lane] = left + (says.length + 2) * LETTER_WIDTH;
    labels.push({ says, left, lane });
  }
  return labels;
}

export function lanesOf(labels: readonly WaitLabel[]): number {
  return labels.reduce((most, { lane }) => Math.max(most, lane + 1), 0);
}
