import { Fragment } from 'preact';
import { shownMillis } from '../../../util/shown-millis.js';
import type { Totals } from './totals.js';

const PARTS = [
  { part: 'model', says: 'model' },
  { part: 'waiting', says: 'waiting' },
  { part: 'tools', says: 'tools' },
  { part: 'own', says: 'own code' },
] as const;

/** Where the run's time went: a bar, and the same as a sum. */
export function TotalsBar({ totals }: { totals: Totals }) {
  return (
    <section class="totals" aria-label="Where the time went">
      <div class="totals-bar" aria-hidden="true">
        {PARTS.map(({ part }) => (
          <span key={part} class={`part ${part}`} style={{ flexGrow: String(totals[part]) }} />
        ))}
      </div>
      <p>
        {PARTS.map(({ part, says }, index) => (
          <Fragment key={part}>
            <span class="term">
              {index > 0 && '+ '}
              <span class={`swatch part ${part}`} aria-hidden="true" /> {says} {shownMillis(totals[part])}
            </span>{' '}
          </Fragment>
        ))}
        <span class="term">= {shownMillis(totals.all)}</span>
      </p>
    </section>
  );
}
