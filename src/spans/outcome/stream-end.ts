import { type Clock, timeAt } from '../../otel/clock.js';
import type { Tail, TailEnd } from '../returned-stream.js';
import { detailedProposal, type Proposal, toProposal } from './proposals.js';
import type { Status } from './status.js';
import { isStop } from './stops/is-stop.js';

/** What `run` proposes when the stream that its function returned has ended. */
export function streamEndProposal(end: TailEnd, at: number, run: object): Proposal {
  if (end.how === 'ended') return toProposal('completed', at);
  if (end.how === 'cancelled' || isStop(end.error, run)) return toProposal('interrupted', at);
  return detailedProposal('error', at, { error: end.error });
}

/**
 * What a run proposes for a returned stream that nothing reads any more, as of the last read. It may have been read in a way that can't be
 * observed, as the servers of Bun and Deno do: so if no read was observed, or if the last call completed. `overAt`: when the run was over, in
 * `performance.now()` time. `stoppedAt`: when a shutdown ended the run. No time has passed then that would tell that nothing reads.
 */
export function abandonedStream(
  stream: Tail,
  overAt: number,
  last: Status | undefined,
  now: Clock,
  stoppedAt?: number,
): Proposal {
  const mayBeRead = stream.begun || stoppedAt !== undefined;
  const interrupted = last === 'interrupted' || (mayBeRead && last !== 'completed');
  if (interrupted && stoppedAt !== undefined) return toProposal('interrupted', stoppedAt);
  const idleSince = stream.idleSince();
  const at =
    idleSince === undefined || overAt === Number.POSITIVE_INFINITY ? now() : timeAt(now, Math.max(idleSince, overAt));
  return toProposal(interrupted ? 'interrupted' : 'completed', at);
}
