import { shownMillis } from '../../../util/shown-millis.js';
import type { SpanNode } from '../../model.js';
import { Status } from '../parts/status.js';

/** Every proposal of how the span ended, in order, and what became of it. */
export function StatusHistory({ span }: { span: SpanNode }) {
  return (
    <ol class="history">
      {span.statusUpdates.map((update) => (
        <li key={`${update.atMillis} ${update.status}`} class={update.accepted ? '' : 'rejected'}>
          <span class="at">+{shownMillis(update.atMillis - span.startMillis)}</span> <Status of={update.status} />
          {update.errorType && ` ${update.errorType}`}
          <span class="verdict">{update.accepted ? ' accepted' : ' rejected'}</span>
          {update.late && <span class="verdict late"> late: after the span had ended</span>}
        </li>
      ))}
    </ol>
  );
}
