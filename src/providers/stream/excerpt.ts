import { byteLength, eachEncodedPart } from '../../util/byte-length.js';
import { ASKED, type Extent } from './extent.js';
import { decode } from './growing-bytes.js';
import { JsonExcerpt } from './json-excerpt.js';

/** An excerpt of a JSON text, and the size of the whole text in bytes of UTF-8. */
export interface Excerpt {
  /** `undefined` if the text can't be JSON. */
  readonly json: string | undefined;
  readonly bytes: number;
}

/** A JSON text, or its bytes in UTF-8. */
type Json = string | Uint8Array;

/**
 * The excerpt of a text that {@link JsonExcerpt} makes; the same text if it is short.
 *
 * @example excerpt('{"model":"gpt-5","messages":[…1 MB…]}', ASKED).json // '{"model":"gpt-5","messages":[…16 short messages…]}'
 */
export function excerpt(json: Json, extent: Extent): Excerpt {
  if (json.length <= extent.whole) {
    return { json: textOf(json), bytes: typeof json === 'string' ? byteLength(json) : json.length };
  }
  const reading = read(json, extent);
  return { json: reading.text(), bytes: reading.length };
}

/** Two excerpts that were made in one pass. */
export interface ExcerptInTwo extends Excerpt {
  /** The larger excerpt, and how long it is. */
  readonly more: () => string | undefined;
  readonly moreLength: number;
}

/** The excerpt of a request for {@link ASKED}, and one for a larger extent, which is decoded when it is asked for. */
export function excerptInTwo(json: Json, extent: Extent): ExcerptInTwo {
  if (json.length <= extent.whole) {
    return { ...excerpt(json, ASKED), more: () => textOf(json), moreLength: json.length };
  }
  const reading = read(json, extent);
  const found = reading.bytes() ?? new Uint8Array(0);
  return {
    json: read(found, ASKED).text(),
    bytes: reading.length,
    more: decodedLater(found),
    moreLength: found.length,
  };
}

/** A function of its own, so that what is decoded later does not hold the whole text as well. */
function decodedLater(found: Uint8Array): () => string {
  return () => textOf(found);
}

function textOf(json: Json): string {
  return typeof json === 'string' ? json : decode(json);
}

function read(json: Json, extent: Extent): JsonExcerpt {
  const reading = new JsonExcerpt(extent);
  if (typeof json === 'string') eachEncodedPart(json, (bytes) => reading.push(bytes));
  else reading.push(json);
  return reading;
}
