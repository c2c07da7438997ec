import type { Fault } from './faults.js';
import { type Outcome, Trial } from './trial.js';

/** What is wrong with how ours did, if anything is. */
export function complaintAbout(fault: Fault, outcome: Outcome): string | undefined {
  const { spansIn, arrived, onDisk, lost, falselySent, early, maxRssBytes, violations } = outcome;
  if (violations.length > 0) return `wrong: ${violations[0]}`;
  if (spansIn === 0) return 'nothing was on trial';
  if (falselySent > 0) return `${falselySent} spans are counted as sent that no backend took`;
  if (early > 0) return `${early} requests came while the backend had asked to be left alone`;
  if (fault.recovers && arrived === 0) return 'nothing arrived after the backend had recovered';
  if (fault.maxRssBytes !== undefined && maxRssBytes > fault.maxRssBytes) {
    return `the process took ${Math.round(maxRssBytes / 2 ** 20)} MiB`;
  }
  const missing = spansIn - arrived - onDisk;
  if (fault.hasUnconfirmed && missing <= 0) return undefined;
  const isCounted = fault.countsUnderWay ? missing <= lost : missing === lost;
  if (!isCounted) return `${missing} spans are missing, ${lost} are counted as lost`;
  if (missing > 0 && !fault.losesSome) return `${missing} spans are lost`;
  return undefined;
}

export async function outcomeOf(fault: Fault, subject: Trial['subject']): Promise<Outcome> {
  const trial = new Trial(subject, subject === 'stock' ? 1 : fault.speed);
  try {
    await fault.play(trial);
  } catch (error) {
    await trial.end();
    throw new Error(`${fault.name}, ${subject}: ${error}`, { cause: error });
  }
  return trial.end();
}
