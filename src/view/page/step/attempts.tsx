import { shownMillis } from '../../../util/shown-millis.js';
import type { Attempt, SpanNode } from '../../model.js';
import { bytes, millisText, tokens } from '../parts/format.js';
import { Status } from '../parts/status.js';
import { endOf } from '../run/spans.js';
import { AttemptDetail } from './attempt-detail.js';
import { type Captured, whyNoFirstChunk } from './missing.js';

const COLUMNS = [
  '',
  'started',
  'code',
  'ended',
  'error',
  'asked',
  'waited',
  'first chunk',
  'duration',
  'tokens',
  'sent',
  'received',
];

export interface AttemptsProps {
  readonly span: SpanNode;
  readonly captured: Captured;
  readonly opened: number | undefined;
  readonly now: number;
  readonly onOpen: (number: number | undefined) => void;
  readonly onCompare: (number: number) => void;
}

/** The attempts of a step as a table. An opened one shows its headers and bodies. */
export function Attempts({ span, captured, opened, now, onOpen, onCompare }: AttemptsProps) {
  const { attempts } = span;
  if (attempts.length === 0)
    return <p class="note">No HTTP attempt was seen: the call did not pass a recording fetch.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, also by keys.
    <div class="table-scroller" tabIndex={0} role="region" aria-label="Attempts">
      <table class="attempts">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th key={column} scope="col">
                {column || <span class="unseen">attempt</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt) => (
            <AttemptRows
              key={attempt.number}
              span={span}
              attempt={attempt}
              captured={captured}
              isOpen={attempt.number === opened}
              now={now}
              onOpen={onOpen}
              onCompare={onCompare}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface AttemptRowsProps extends Omit<AttemptsProps, 'opened'> {
  readonly attempt: Attempt;
  readonly isOpen: boolean;
}

function AttemptRows({ span, attempt, captured, isOpen, now, onOpen, onCompare }: AttemptRowsProps) {
  const { number, code, status, usage } = attempt;
  const toggle = () => onOpen(isOpen ? undefined : number);
  return (
    <>
      <tr class={isOpen ? 'open' : ''} onClick={toggle}>
        <th scope="row">
          <button
            type="button"
            class="plain"
            aria-expanded={isOpen}
            aria-label={`Attempt ${number}`}
            onClick={(event) => {
              event.stopPropagation();
              toggle();
            }}
          >
            <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {number}
          </button>
        </th>
        <td>+{shownMillis(attempt.startMillis - span.startMillis)}</td>
        <td>{code ?? '–'}</td>
        <td>
          <Status of={status} />
        </td>
        <td class="error-text">{errorText(attempt)}</td>
        <td>{millisText(attempt.askedMillis)}</td>
        <td>{millisText(attempt.waitMillis)}</td>
        <td>
          {attempt.firstChunkMillis === undefined ? (
            <i>{whyNoFirstChunk(attempt)}</i>
          ) : (
            shownMillis(attempt.firstChunkMillis)
          )}
        </td>
        <td>{shownMillis(endOf(attempt, now) - attempt.startMillis)}</td>
        <td>{usage && tokens(usage.inputTokens, usage.outputTokens)}</td>
        <td>{attempt.requestBodyBytes !== undefined && bytes(attempt.requestBodyBytes)}</td>
        <td>{attempt.responseBodyBytes !== undefined && bytes(attempt.responseBodyBytes)}</td>
      </tr>
      {isOpen && (
        <tr class="detail">
          <td colSpan={COLUMNS.length}>
            <AttemptDetail span={span} attempt={attempt} captured={captured} onCompare={onCompare} />
          </td>
        </tr>
      )}
    </>
  );
}

export function errorText({ errorType, errorMessage, code }: Attempt): string {
  return [errorType === String(code) ? '' : errorType, errorMessage].filter(Boolean).join(': ');
}
