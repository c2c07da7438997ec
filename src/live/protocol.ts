/** What the live channel and the viewer agree on. */
import { createHash } from 'node:crypto';

/** The protocol that the channel's connection is upgraded to. Its lines are JSON snapshots; an empty line is a sign of life. */
export const PROTOCOL = 'runtrace-live/1';
/** Carries the channel's challenge, and in the answer the proof that a viewer answers. No collector gives it. */
export const HANDSHAKE_HEADER = 'x-runtrace-live';
/** How often the channel gives a sign of life. */
export const HEARTBEAT_MILLIS = 5000;

/** The answer to a challenge. */
export function proofOf(challenge: string): string {
  return createHash('sha256').update(`runtrace view ${challenge}`).digest('hex');
}
