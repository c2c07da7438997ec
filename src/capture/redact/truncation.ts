import { byteLength, measure } from '../../util/byte-length.js';
import { JsonScan } from './bodies/json-scanner.js';

/** The beginning of a text, and how many bytes of the text are missing. */
export interface Bounded {
  text: string;
  /** Bytes of UTF-8 after the beginning that was kept. Replacing a secret doesn't count. */
  truncatedBytes: number;
}

/** A redacted body in pieces, and how many characters at the end of the body are in none of them. */
export interface RedactedBody {
  readonly pieces: readonly Piece[];
  readonly unread: number;
}

/** The smallest part of a redacted text that can be left out: a whole body, an event of a stream, a line. */
export interface Piece {
  /** Comes before the body and can't be cut. */
  readonly head: string;
  readonly body: string;
  /** Comes after the body and can't be cut. */
  readonly tail: string;
  /** The depth of the body if it is JSON, which is closed where it is cut. */
  readonly jsonDepth: number | undefined;
}

/** Joins pieces in at most `maxBytes`: whole pieces first, then the beginning of the first that does not fit. */
export function bound(pieces: readonly Piece[], maxBytes: number): Bounded {
  const whole = pieces.length === 1 && pieces[0] ? textOf(pieces[0]) : pieces.map(textOf).join('');
  const text = whole.toWellFormed();
  if (text.length * 3 <= maxBytes) return { text, truncatedBytes: 0 };
  const bytes = byteLength(text);
  if (bytes <= maxBytes) return { text, truncatedBytes: 0 };
  let kept = '';
  let keptBytes = 0;
  for (const piece of pieces) {
    const next = textOf(piece).toWellFormed();
    const nextBytes = byteLength(next);
    if (keptBytes + nextBytes > maxBytes) {
      const beginning = cut(piece, maxBytes - keptBytes);
      return { text: kept + beginning.text, truncatedBytes: bytes - keptBytes - beginning.bytes };
    }
    kept += next;
    keptBytes += nextBytes;
  }
  return { text: kept, truncatedBytes: bytes - keptBytes };
}

export function textOf(piece: Piece): string {
  return piece.head + piece.body + piece.tail;
}

/** The beginning of a piece, and how many bytes of the piece are in it. */
function cut({ head, body, tail, jsonDepth }: Piece, maxBytes: number): { text: string; bytes: number } {
  const room = maxBytes - byteLength(head) - byteLength(tail);
  const beginning = jsonDepth === undefined ? cutText(body, room) : cutJson(body, room, jsonDepth);
  if (beginning.text === '') return { text: '', bytes: 0 };
  return { text: head + beginning.text + tail, bytes: byteLength(head) + beginning.bytes };
}

function cutText(text: string, maxBytes: number): { text: string; bytes: number } {
  const source = text.toWellFormed();
  const { characters, bytes } = measure(source, maxBytes);
  return { text: source.slice(0, characters), bytes };
}

/** Cuts JSON. The closing brackets need a byte for each level, and the string that is cut needs one. */
function cutJson(json: string, maxBytes: number, depth: number): { text: string; bytes: number } {
  const beginning = cutText(json, maxBytes - depth - 1).text;
  const closed = new JsonScan(beginning, undefined).render(true);
  if (!closed) return { text: '', bytes: 0 };
  return { text: closed.text, bytes: byteLength(beginning.slice(0, closed.read)) };
}
