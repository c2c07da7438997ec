import { useMemo, useRef } from 'preact/hooks';
import * as names from '../../../otel/names.js';
import type { RunDetail, SpanNode } from '../../model.js';
import { Glyph, type Shown, WORDS } from '../parts/status.js';
import { useNarrow, useWidth } from '../parts/surroundings.js';
import { useVirtual } from '../parts/virtual.js';
import { attemptAnswer } from '../step/why.js';
import { ticksOf } from './axis.js';
import { describeBar, SpanBar } from './span-bar.js';
import { shownDuration, type TimeRange, type Wait, waitsOf } from './spans.js';
import { labelsOf, lanesOf, type WaitLabel } from './wait-labels.js';

/** As in the style sheet. */
const ROW_HEIGHT = 26;
const NARROW_ROW_HEIGHT = 44;
const LANE_HEIGHT = 15;
/** Deeper spans are not indented any further: their names would have no room. */
const MOST_INDENTED = 12;

interface WaterfallProps {
  readonly detail: RunDetail;
  readonly range: TimeRange;
  readonly selected: SpanNode | undefined;
  readonly now: number;
  readonly onSelect: (span: SpanNode) => void;
}

interface Drawn {
  readonly span: SpanNode;
  readonly waits: readonly Wait[];
  readonly labels: readonly WaitLabel[];
}

/** Every span of the run on one time axis. */
export function Waterfall({ detail, range, selected, now, onSelect }: WaterfallProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const width = useWidth(axis);
  const isNarrow = useNarrow();
  const drawn = useMemo(
    () =>
      detail.spans.map((span): Drawn => {
        const waits = waitsOf(span, now);
        return { span, waits, labels: width > 0 ? labelsOf(waits, range, width) : [] };
      }),
    [detail, now, width],
  );
  const height = isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const size = (index: number) => height + lanesOf(drawn[index]?.labels ?? []) * LANE_HEIGHT;
  const at = selected ? detail.spans.indexOf(selected) : -1;
  const sizes = useMemo(() => drawn.map((_, index) => size(index)).join(), [drawn, height]);
  const virtual = useVirtual({ count: drawn.length, scroller, size, sizes, kept: at, heading: ROW_HEIGHT });
  const ticks = ticksOf(range, width);
  const onClick = ({ target }: MouseEvent) => {
    const id = (target as Element).closest('[role=row]')?.id;
    const span = detail.spans.find((candidate) => spanRowId(candidate) === id);
    if (span) onSelect(span);
  };
  return (
    <div
      ref={scroller}
      class="waterfall"
      role="treegrid"
      aria-label="Spans of the run"
      aria-rowcount={drawn.length + 1}
      aria-activedescendant={selected && spanRowId(selected)}
      tabIndex={0}
      onClick={onClick}
    >
      <div role="row" class="span-row heading" aria-rowindex={1}>
        <div role="columnheader" class="label">
          span
        </div>
        <div role="columnheader" class="time" ref={axis} aria-label="time">
          {ticks.map(({ percent, says }) => (
            <span key={percent} class="tick" style={{ left: `${percent}%` }}>
              {says}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" class="rows" style={{ height: `${virtual.getTotalSize()}px` }}>
        {virtual.getVirtualItems().map(({ index, start, size }) => {
          const row = drawn[index];
          return (
            row && (
              <SpanRow
                key={row.span.spanId}
                {...row}
                index={index}
                top={start}
                height={size}
                isSelected={index === at}
                range={range}
                now={now}
                isLost={detail.row.lostContact}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

export function spanRowId({ spanId }: SpanNode): string {
  return `span-${spanId}`;
}

interface SpanRowProps extends Drawn {
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly isSelected: boolean;
  readonly range: TimeRange;
  readonly now: number;
  readonly isLost: boolean;
}

function SpanRow({ span, waits, labels, index, top, height, isSelected, range, now, isLost }: SpanRowProps) {
  const status: Shown = isLost && span.status === 'in_progress' ? 'lost_contact' : span.status;
  const described = describeBar(span, range, now);
  return (
    <div
      id={spanRowId(span)}
      role="row"
      aria-rowindex={index + 2}
      aria-level={span.depth + 1}
      aria-selected={isSelected}
      class="span-row"
      style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
    >
      <div role="gridcell" class="label" style={{ paddingLeft: `${Math.min(span.depth, MOST_INDENTED) * 14 + 6}px` }}>
        <Glyph of={status} />
        <span class="unseen">{WORDS[status]}</span> <SpanName span={span} />
        <Codes span={span} />
        <span class="duration">{shownDuration(span, now)}</span>
      </div>
      <div role="gridcell" class="time" title={described}>
        <span class="unseen">{described}</span>
        <SpanBar span={span} waits={waits} range={range} now={now} />
        {labels.map(({ says, left, lane }) => (
          <span key={`${lane} ${left}`} class={`wait-label lane-${lane}`} style={{ left: `${left}px` }}>
            {says}
          </span>
        ))}
      </div>
    </div>
  );
}

/** More codes than a label has room for. */
const SHOWN_CODES = 5;

/** Where a step needed more than one attempt, their codes. */
function Codes({ span: { attempts } }: { span: SpanNode }) {
  if (attempts.length < 2) return null;
  const codes = attempts.map(attemptAnswer);
  const shown = codes.length > SHOWN_CODES ? [...codes.slice(0, SHOWN_CODES - 2), '…', ...codes.slice(-1)] : codes;
  return (
    <span class="codes" title={codes.join(' ')}>
      {shown.join(' ')}
    </span>
  );
}

/** A step with its number, a nested run with its kind, a span of others with its library. */
export function SpanName({ span }: { span: SpanNode }) {
  const { attributes, name, kind, library } = span;
  const number = attributes[names.STEP_NUMBER];
  const runKind = attributes[names.RUN_KIND];
  return (
    <span class="name" title={name}>
      {kind === 'step' && number !== undefined && <span class="number">{`${number} `}</span>}
      {kind === 'run' && runKind !== undefined && <b>{`${runKind} `}</b>}
      {name}
      {kind === 'other' && library && <span class="library">{` ${library}`}</span>}
    </span>
  );
}
