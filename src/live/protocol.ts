/** What the live channel and the viewer agree on. */

/** The protocol that the channel's connection is upgraded to. Its lines are JSON snapshots; an empty line is a sign of life. */
export const PROTOCOL = 'runtrace-live/1';
/** Carries the channel's challenge, and in the answer the proof that a viewer answers. */
export const HANDSHAKE_HEADER = 'x-runtrace-live';
/** How often the channel gives a sign of life. */
export const HEARTBEAT_MILLIS = 5000;

/** The answer to a challenge. No collector gives it, nor does a server that sends back what it gets. */
export function proofOf(challenge: string): string {
  return `viewer-${[...challenge].reverse().join('')}`;
}
