/**
 * A duration as people read it: `8.4 ms`, `538 ms`, `1.09 s`, `2 min 5 s`, `3 h 2 min`. A negative one is `0 ms`: a clock was set
 * meanwhile.
 */
export function shownMillis(millis: number): string {
  if (millis <= 0) return '0 ms';
  if (millis < 999.5) return `${millis < 10 ? Number(millis.toFixed(1)) : Math.round(millis)} ms`;
  // Rounded before the units are chosen: a rounded 59.996 s is a minute.
  const seconds = Math.round(millis / 10) / 100;
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
