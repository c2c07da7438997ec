import { eachEncodedPart } from '../../util/byte-length.js';
import type { OutgoingRequest } from './http-exchange.js';

/** A body up to this length is held until its step settles, in characters. */
const SHORT = 16_384;

/** Whether two requests have the same body. Clients keep the body's string between retries, so comparing equal bodies costs nothing. */
export function isSameBody(a: OutgoingRequest, b: OutgoingRequest): boolean {
  if (a.bodyDigest === undefined && b.bodyDigest === undefined) return a.body === b.body;
  return a.bodyDigest === INCOMPARABLE || b.bodyDigest === INCOMPARABLE ? false : digestOf(a) === digestOf(b);
}

/** Takes the place of a body with which no other one will be compared. */
const INCOMPARABLE = 'incomparable';

/**
 * Releases the body of a request that has ended, if it is long: what holds the request until its step settles does not hold the body.
 * `isCompared`: whether a later request may be the same one sent again.
 */
export function releaseBody(outgoing: OutgoingRequest, isCompared: boolean): void {
  const { body } = outgoing;
  if (body === undefined || body.length <= SHORT) return;
  outgoing.bodyDigest = isCompared ? digest(body) : INCOMPARABLE;
  outgoing.body = undefined;
}

function digestOf({ body, bodyDigest }: OutgoingRequest): string | undefined {
  return bodyDigest ?? (body === undefined ? undefined : digest(body));
}

/** Tells a text from any other one, but not from one that was made to look the same: 128 bits in four lanes, which a processor runs side by side. */
function digest(text: string): string {
  let [a, b, c, d] = [1, 2, 3, 4];
  eachEncodedPart(text, ({ buffer, byteOffset, length }) => {
    const words = new Uint32Array(buffer, byteOffset, length >> 2);
    let at = 0;
    for (; at + 4 <= words.length; at += 4) {
      a = Math.imul(a ^ (words[at] as number), 0x9e3779b1);
      b = Math.imul(b ^ (words[at + 1] as number), 0x85ebca77);
      c = Math.imul(c ^ (words[at + 2] as number), 0xc2b2ae3d);
      d = Math.imul(d ^ (words[at + 3] as number), 0x27d4eb2f);
      a ^= a >>> 15;
      b ^= b >>> 15;
      c ^= c >>> 15;
      d ^= d >>> 15;
    }
    const rest = new Uint8Array(buffer, byteOffset, length);
    for (let byte = at * 4; byte < length; byte++) a = Math.imul(a ^ (rest[byte] as number), 0x01000193) ^ (a >>> 13);
  });
  return `${text.length} ${a} ${b} ${c} ${d}`;
}
