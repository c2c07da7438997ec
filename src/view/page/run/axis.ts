import { shownMillis } from '../../../util/shown-millis.js';
import type { TimeRange } from './spans.js';

/** Pixels that the label of a tick needs at least. */
const TICK_WIDTH = 90;
/** Further to the right there is no room for the label. */
const LAST_TICK = 0.93;

export interface Tick {
  readonly percent: number;
  readonly says: string;
}

/** Round times on the axis, as many as there is room for. */
export function ticksOf({ from, to }: TimeRange, width: number): Tick[] {
  const span = to - from;
  const wanted = Math.max(2, Math.floor(width / TICK_WIDTH));
  const step = roundStep(span / wanted);
  const ticks: Tick[] = [];
  for (let at = 0; at <= span * LAST_TICK; at += step)
    ticks.push({ percent: (at / span) * 100, says: at === 0 ? '0' : shownMillis(at) });
  return ticks;
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;
/** Labels have one decimal of a millisecond: a finer step would repeat them. */
const LEAST_STEP = 0.1;
/** Between seconds and days people count in parts of minutes and hours. */
const CLOCK_STEPS = [30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 43_200].map((seconds) => seconds * SECOND);

/** The next larger of 1, 2, 5, 10, 20, 50… milliseconds, of what a clock shows, or of 1, 2, 5… days. */
function roundStep(wanted: number): number {
  const least = Math.max(LEAST_STEP, wanted);
  const clockStep = least > 20 * SECOND ? CLOCK_STEPS.find((step) => step >= least) : undefined;
  if (clockStep !== undefined) return clockStep;
  const unit = least > 20 * SECOND ? DAY : 1;
  const power = unit * 10 ** Math.floor(Math.log10(least / unit));
  return ([1, 2, 5].find((digit) => digit * power >= least) ?? 10) * power;
}

/** The place of a time on the axis, in percent; times outside of it are at its ends. */
export function percentOf(at: number, { from, to }: TimeRange): number {
  return Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100));
}
