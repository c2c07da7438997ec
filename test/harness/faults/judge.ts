import type { Fault } from './faults.js';
import { type Outcome, Trial } from './trial.js';

/** What is wrong with how ours did, if anything is. */
export function complaintAbout(fault: Fault, { spansIn, arrived, counted, violations }: Outcome): string | undefined {
  if (violations.length > 0) return `the endpoint refused: ${violations[0]}`;
  if (spansIn === 0) return 'nothing was on trial';
  if (arrived > spansIn) return undefined; // Some that nobody had confirmed when the process was killed.
  const missing = spansIn - arrived;
  if (missing !== counted && !fault.untold) return `${missing} spans are missing, ${counted} are counted as lost`;
  if (missing > 0 && !fault.losesSome && !fault.untold) return `${missing} spans are lost`;
  return undefined;
}

export async function outcomeOf(fault: Fault, subject: Trial['subject']): Promise<Outcome> {
  const trial = new Trial(subject);
  try {
    await fault.play(trial);
  } catch (error) {
    await trial.end();
    throw new Error(`${fault.name}, ${subject}: ${error}`, { cause: error });
  }
  return trial.end();
}
