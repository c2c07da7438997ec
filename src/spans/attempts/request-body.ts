import { eachEncodedPart } from '../../util/byte-length.js';
import type { OutgoingRequest, ReadBody } from './http-exchange.js';

/** A body up to this length is held until its step settles, in characters or bytes. */
const SHORT = 16_384;

/** Whether two requests have the same body. Clients keep the body's string between retries, so comparing equal bodies costs nothing. */
export function isSameBody(a: OutgoingRequest, b: OutgoingRequest): boolean {
  if (isText(a) && isText(b)) return a.body === b.body;
  return a.bodyDigest === INCOMPARABLE || b.bodyDigest === INCOMPARABLE ? false : digestOf(a) === digestOf(b);
}

function isText({ body, bodyDigest }: OutgoingRequest): boolean {
  return bodyDigest === undefined && typeof body !== 'object';
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
  outgoing.bodyDigest = isCompared ? digestOf(outgoing) : INCOMPARABLE;
  outgoing.body = undefined;
}

/** Equal for two requests that have the same body; `undefined` for none. */
export function digestOf(outgoing: OutgoingRequest): string | undefined {
  if (outgoing.body !== undefined) outgoing.bodyDigest ??= digest(outgoing.body);
  return outgoing.bodyDigest;
}

const BLOCK_BYTES = 16;

/**
 * Tells a body from any other one, but not from one that was made to look the same: 128 bits in four lanes, which a processor runs side by
 * side. A text has the digest of its bytes.
 */
function digest(body: ReadBody): string {
  let [a, b, c, d] = [1, 2, 3, 4];
  let length = 0;
  const mix = ({ buffer, byteOffset, byteLength }: Uint8Array) => {
    const words = new Uint32Array(buffer, byteOffset, byteLength >> 2);
    for (let at = 0; at < words.length; at += 4) {
      a = Math.imul(a ^ (words[at] as number), 0x9e3779b1);
      b = Math.imul(b ^ (words[at + 1] as number), 0x85ebca77);
      c = Math.imul(c ^ (words[at + 2] as number), 0xc2b2ae3d);
      d = Math.imul(d ^ (words[at + 3] as number), 0x27d4eb2f);
      a ^= a >>> 15;
      b ^= b >>> 15;
      c ^= c >>> 15;
      d ^= d >>> 15;
    }
  };
  // What is left of the parts so far, because a text may be cut into parts anywhere.
  const rest = new Uint8Array(BLOCK_BYTES);
  const add = (part: Uint8Array) => {
    const begun = length % BLOCK_BYTES;
    length += part.length;
    const from = begun === 0 ? 0 : Math.min(BLOCK_BYTES - begun, part.length);
    rest.set(part.subarray(0, from), begun);
    if (begun + from === BLOCK_BYTES) mix(rest);
    const to = part.length - ((part.length - from) % BLOCK_BYTES);
    if (from === to && to === part.length) return;
    // Words begin at multiples of four.
    mix(from === 0 ? part.subarray(0, to) : part.slice(from, to));
    rest.set(part.subarray(to));
  };
  if (typeof body === 'string') eachEncodedPart(body, add);
  else add(body);
  mix(rest.fill(0, length % BLOCK_BYTES));
  return `${length} ${a} ${b} ${c} ${d}`;
}
