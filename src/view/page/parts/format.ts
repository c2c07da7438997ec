import { shownMillis } from '../../../util/shown-millis.js';

/** A part of a duration in the unit of the whole: `370 of 538 ms`. */
export function partOf(part: number, whole: number): string {
  const shown = shownMillis(whole);
  if (whole >= 60_000 || (part < 999.5 && whole >= 999.5)) return `${shownMillis(part)} of ${shown}`;
  return `${shownMillis(part).replace(/ m?s$/, '')} of ${shown}`;
}

/** A duration; nothing where it is not known. */
export function millisText(millis: number | undefined): string {
  return millis === undefined ? '' : shownMillis(millis);
}

/** The time of day: `14:05:09`. */
export function timeOfDay(epochMillis: number): string {
  return isShownTime(epochMillis) ? new Date(epochMillis).toLocaleTimeString('en-GB') : '?';
}

/** Date and time to the millisecond, in the time zone of the reader. */
export function fullTime(epochMillis: number): string {
  if (!isShownTime(epochMillis)) return 'an impossible time';
  const date = new Date(epochMillis);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'));
  return `${day.join('-')} ${timeOfDay(epochMillis)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `21 → 9`: tokens in and out. */
export function tokens(input: number | undefined, output: number | undefined): string {
  return input === undefined && output === undefined ? '' : `${count(input)} → ${count(output)}`;
}

export function count(value: number | undefined): string {
  return value === undefined ? '?' : value.toLocaleString('en-US');
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  return value < 1_000_000 ? `${(value / 1000).toFixed(1)} kB` : `${(value / 1_000_000).toFixed(1)} MB`;
}

/** `1 wait`, `3 waits`. */
export function plural(amount: number, noun: string): string {
  return `${count(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

/** What `Date` can hold. */
function isShownTime(epochMillis: number): boolean {
  return Math.abs(epochMillis) <= 8.64e15;
}
