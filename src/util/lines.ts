const LINE_FEED = 10;

/**
 * Calls `onLine` with where each line of `text` begins and ends, and returns where the last line begins, which has no end yet. Lines end with
 * LF, CR or CRLF. `start` is where to begin. Lines are not sliced, because most callers look at a few characters only.
 *
 * A chunk that ends with CR may be followed by one that begins with LF: {@link afterLineFeed} is where its lines begin.
 */
export function eachLine(
  text: string,
  start: number,
  onLine: (text: string, start: number, end: number) => void,
): number {
  let begin = start;
  let lineFeed = text.indexOf('\n', begin);
  let carriageReturn = text.indexOf('\r', begin);
  while (lineFeed !== -1 || carriageReturn !== -1) {
    const atCarriageReturn = carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed);
    const end = atCarriageReturn ? carriageReturn : lineFeed;
    onLine(text, begin, end);
    begin = end + 1;
    if (atCarriageReturn) {
      if (begin === lineFeed) begin++;
      carriageReturn = text.indexOf('\r', begin);
    }
    if (lineFeed !== -1 && lineFeed < begin) lineFeed = text.indexOf('\n', begin);
  }
  return begin;
}

/** Where the lines of a chunk begin if the chunk before ended with CR. */
export function afterLineFeed(chunk: string): number {
  return chunk.charCodeAt(0) === LINE_FEED ? 1 : 0;
}

/** The lines of a text; the last one is empty if the text ends with a line's end. */
export function linesOf(text: string): string[] {
  const lines: string[] = [];
  const rest = eachLine(text, 0, (_text, start, end) => lines.push(text.slice(start, end)));
  lines.push(text.slice(rest));
  return lines;
}
