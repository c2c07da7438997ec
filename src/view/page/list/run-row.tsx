import { shownMillis } from '../../../util/shown-millis.js';
import type { RunRow } from '../../model.js';
import { hashOf } from '../data/route.js';
import { fullTime, partOf, timeOfDay, tokens } from '../parts/format.js';
import { Status, shownStatus } from '../parts/status.js';

/** The columns of the list, in order. On a narrow page each is a part of the row's two or three lines. */
export const COLUMNS = [
  'status',
  'start',
  'kind',
  'conversation',
  'model',
  'attempts',
  'waited',
  'tokens',
  'duration',
  'reason',
] as const;

/** More codes than a row has room for: the run's page has all of them. */
const SHOWN_CODES = 8;

export function rowId({ traceId }: RunRow): string {
  return `run-${traceId}`;
}

interface RunRowProps {
  readonly row: RunRow;
  readonly index: number;
  readonly top: number;
  readonly isSelected: boolean;
  readonly isMarked: boolean;
  readonly now: number;
}

export function RunRowView({ row, index, top, isSelected, isMarked, now }: RunRowProps) {
  const status = shownStatus(row);
  const duration = row.durationMillis ?? (status === 'in_progress' ? now - row.startMillis : undefined);
  const waited = row.waitedMillis > 0 ? waitedText(row.waitedMillis, duration) : undefined;
  return (
    <div
      id={rowId(row)}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      class={`run-row ${isMarked ? 'marked' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div role="gridcell" class="c-status">
        <Status of={status} />
        {isMarked && <span class="mark"> compare</span>}
      </div>
      <div role="gridcell" class="c-start" title={fullTime(row.startMillis)}>
        {timeOfDay(row.startMillis)}
      </div>
      <div role="gridcell" class="c-kind">
        <a href={hashOf({ page: 'run', traceId: row.traceId })} tabIndex={-1}>
          {row.kind ?? row.name}
        </a>
      </div>
      <div role="gridcell" class="c-conversation" title={row.conversationId}>
        {row.conversationId}
      </div>
      <div role="gridcell" class="c-model" title={row.models.join(', ')}>
        {row.models.join(', ')}
      </div>
      <div role="gridcell" class="c-attempts" title={row.attemptCodes.join(' ')}>
        <Codes of={row.attemptCodes} />
      </div>
      <div role="gridcell" class="c-waited" title={waited && `waited ${waited}`}>
        {waited !== undefined && (
          <>
            <span class="unseen-wide">waited </span>
            {waited}
          </>
        )}
      </div>
      <div role="gridcell" class="c-tokens" title={tokens(row.inputTokens, row.outputTokens)}>
        {tokens(row.inputTokens, row.outputTokens)}
      </div>
      <div role="gridcell" class="c-duration">
        {duration !== undefined ? shownMillis(duration) : !row.live && 'no end'}
      </div>
      <div role="gridcell" class="c-reason" title={row.reason}>
        {row.reason}
      </div>
    </div>
  );
}

function waitedText(waitedMillis: number, duration: number | undefined): string {
  return duration === undefined ? shownMillis(waitedMillis) : partOf(waitedMillis, duration);
}

function Codes({ of }: { of: readonly string[] }) {
  const shown = of.length > SHOWN_CODES ? [...of.slice(0, SHOWN_CODES - 2), '…', ...of.slice(-2)] : of;
  return (
    <>
      {shown.map((code, index) => (
        <span key={index} class={/^2\d\d$/.test(code) ? 'code' : 'code bad'}>
          {index > 0 && ' '}
          {code}
        </span>
      ))}
    </>
  );
}
