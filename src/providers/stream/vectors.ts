/** Bodies below this length are parsed as they are, in characters: parsing them takes less than a millisecond. */
const MIN_BODY_LENGTH = 1 << 16;

/** Arrays below this length are left in, in characters. */
const MIN_VECTOR_LENGTH = 256;

const FIRST_NUMBER = /\s*-?\d/y;

/**
 * A JSON text in which long arrays of numbers are empty. Parsing embeddings in order to learn their usage takes far
 * longer than finding where each one ends: an array that begins with a number, and has no quote and no
 * bracket before its end, is skipped with `indexOf`.
 *
 * Such a text may stand inside of a string too, and is then left out of it. So this is only for bodies whose content is
 * not recorded.
 */
export function withoutVectors(json: string): string {
  if (json.length < MIN_BODY_LENGTH) return json;
  let kept = '';
  let keptTo = 0;
  let end = -1;
  let quote = -1;
  for (let start = json.indexOf('['); start !== -1; start = json.indexOf('[', start + 1)) {
    if (end < start) end = json.indexOf(']', start);
    if (end === -1) break;
    FIRST_NUMBER.lastIndex = start + 1;
    if (end - start < MIN_VECTOR_LENGTH || !FIRST_NUMBER.test(json)) continue;
    if (quote < start) quote = json.indexOf('"', start);
    const nested = json.indexOf('[', start + 1);
    if ((quote !== -1 && quote < end) || (nested !== -1 && nested < end)) continue;
    kept += json.slice(keptTo, start + 1);
    keptTo = end;
  }
  return keptTo === 0 ? json : kept + json.slice(keptTo);
}
