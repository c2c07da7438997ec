import { byteLength, eachEncodedPart } from '../../util/byte-length.js';
import { ASKED, type Extent } from './extent.js';
import { JsonExcerpt } from './json-excerpt.js';

/** An excerpt of a JSON text, and the size of the whole text in bytes of UTF-8. */
export interface Excerpt {
  /** `undefined` if the text can't be JSON. */
  readonly json: string | undefined;
  readonly bytes: number;
}

/**
 * The excerpt of a text that {@link JsonExcerpt} makes; the same text if it is short.
 *
 * @example excerpt('{"model":"gpt-5","messages":[…1 MB…]}', ASKED).json // '{"model":"gpt-5","messages":[…16 short messages…]}'
 */
export function excerpt(json: string, extent: Extent): Excerpt {
  if (json.length <= extent.whole) return { json, bytes: byteLength(json) };
  const reading = new JsonExcerpt(extent);
  eachEncodedPart(json, (bytes) => reading.push(bytes));
  return { json: reading.text(), bytes: reading.length };
}

/** Two excerpts that were made in one pass. */
export interface ExcerptInTwo extends Excerpt {
  /** The larger excerpt, and how long it is. */
  readonly more: () => string | undefined;
  readonly moreLength: number;
}

/** The excerpt of a request for {@link ASKED}, and one for a larger extent, which is decoded when it is asked for. */
export function excerptInTwo(json: string, extent: Extent): ExcerptInTwo {
  if (json.length <= extent.whole) return { ...excerpt(json, ASKED), more: () => json, moreLength: json.length };
  const reading = new JsonExcerpt(extent);
  eachEncodedPart(json, (bytes) => reading.push(bytes));
  const found = reading.bytes() ?? new Uint8Array(0);
  const facts = new JsonExcerpt(ASKED);
  facts.push(found);
  const more = () => new TextDecoder().decode(found);
  return { json: facts.text(), bytes: reading.length, more, moreLength: found.length };
}
