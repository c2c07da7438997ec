import { shownMillis } from '../../../util/shown-millis.js';
import type { Attempt, SpanNode } from '../../model.js';
import { percentOf } from './axis.js';
import { endOf, offAxis, shownDuration, spanEnd, type TimeRange, type Wait } from './spans.js';

/** A step may have a hundred attempts; the table below has them all. */
const MOST_DRAWN = 24;

interface SpanBarProps {
  readonly span: SpanNode;
  readonly waits: readonly Wait[];
  readonly range: TimeRange;
  readonly now: number;
}

/** A span on the time axis. One with attempts shows them as segments, split at the first chunk, with the waits between them. */
export function SpanBar({ span, waits, range, now }: SpanBarProps) {
  const { attempts } = span;
  const off = offAxis(span, range);
  if (off) {
    const says = `${shownMillis(off.millis)} ${off.side}`;
    return <span class={`off-axis ${off.side}`}>{off.side === 'before' ? `◂ ${says}` : `${says} ▸`}</span>;
  }
  const place = placeIn(range);
  if (attempts.length === 0 && waits.length === 0) {
    return <span class={`bar ${span.kind} ${span.status}`} style={place(span.startMillis, spanEnd(span, now))} />;
  }
  const drawn =
    attempts.length <= MOST_DRAWN
      ? attempts
      : [...attempts.slice(0, MOST_DRAWN / 2), ...attempts.slice(-MOST_DRAWN / 2)];
  return (
    <>
      <span class="bar extent" style={place(span.startMillis, spanEnd(span, now))} />
      {waits.slice(0, MOST_DRAWN).map((wait) => (
        <span key={`wait ${wait.from}`} class="bar wait" style={place(wait.from, wait.to)} />
      ))}
      {drawn.map((attempt) => (
        <Segment key={attempt.number} attempt={attempt} range={range} now={now} />
      ))}
    </>
  );
}

function Segment({ attempt, range, now }: { attempt: Attempt; range: TimeRange; now: number }) {
  const { startMillis, firstChunkMillis, status } = attempt;
  const end = endOf(attempt, now);
  const place = placeIn(range);
  if (firstChunkMillis === undefined)
    return <span class={`bar attempt before ${status}`} style={place(startMillis, end)} />;
  const split = Math.min(end, startMillis + firstChunkMillis);
  return (
    <>
      <span class={`bar attempt before ${status}`} style={place(startMillis, split)} />
      <span class={`bar attempt after ${status}`} style={place(split, end)} />
    </>
  );
}

function placeIn(range: TimeRange): (from: number, to: number) => { left: string; width: string } {
  return (from, to) => {
    const left = percentOf(from, range);
    return { left: `${left}%`, width: `${Math.max(0, percentOf(to, range) - left)}%` };
  };
}

/** The same in words, for screen readers and as a tooltip. */
export function describeBar(span: SpanNode, range: TimeRange, now: number): string {
  const takes = span.status === 'in_progress' ? 'so far ' : span.endMillis === undefined ? '' : 'takes ';
  const off = offAxis(span, range);
  const start = off
    ? `${shownMillis(off.millis)} ${off.side} the time shown`
    : `at ${shownMillis(span.startMillis - range.from)}`;
  const begun = `starts ${start}, ${takes}${shownDuration(span, now)}`;
  const parts = span.attempts.slice(0, MOST_DRAWN).map((attempt) => {
    const chunk =
      attempt.firstChunkMillis === undefined ? '' : `, first chunk after ${shownMillis(attempt.firstChunkMillis)}`;
    return `attempt ${attempt.number} ${attempt.code ?? attempt.errorType ?? ''} ${attempt.status.replace('_', ' ')} ${shownMillis(endOf(attempt, now) - attempt.startMillis)}${chunk}`;
  });
  return [begun, ...parts].join('; ');
}
