/**
 * OpenAI ends its events with a random text, so that their lengths do not tell what they say. An empty one is no padding: redaction does not
 * judge an empty text by its name, but those that came after it.
 */
const PADDED = /^(.*,"obfuscation":")[^"]+("\})$/s;

/** OpenAI's Responses count their events. */
const COUNTED = /^(.*"sequence_number":)\d+(.*)$/s;

/** What ends a JSON string, or begins an escape, or has to be escaped. */
const NOT_PLAIN = /["\\\p{Cc}]/u;

const ZERO = 48;
const NINE = 57;

/**
 * JSON that comes again in the events of a stream with another text in one of its strings. Also the number that OpenAI gives an event, and the
 * padding at its end, may differ.
 */
export class RepeatedJson {
  /** What all of them have: up to the number, if there is one, up to the text, up to the padding, if there is one, and up to the end. */
  readonly parts: readonly string[];
  /** Which of the parts ends where the text begins. */
  readonly textIsAfter: number;

  /** `start`, `end`: of the text in `json`, between its quotes. */
  constructor(json: string, start: number, end: number) {
    const before = json.slice(0, start);
    const behind = json.slice(end);
    const [, head, rest] = COUNTED.exec(before) ?? [];
    const [, upToPadding, tail] = PADDED.exec(behind) ?? [];
    const first = head === undefined || rest === undefined ? [before] : [head, rest];
    this.parts = [...first, ...(upToPadding === undefined || tail === undefined ? [behind] : [upToPadding, tail])];
    this.textIsAfter = first.length - 1;
  }

  /** Where the text begins in `json`; -1 if `json` differs in anything else, or if a text has an escape. The text ends at the next quote. */
  textAt(json: string): number {
    const { parts, textIsAfter } = this;
    let at = 0;
    let textAt = -1;
    for (const [index, part] of parts.entries()) {
      if (index > 0) {
        const start = at;
        const isNumber = index <= textIsAfter;
        at = isNumber ? numberEnd(json, start) : json.indexOf('"', start);
        if (isNumber ? at === start : at === -1 || !isPlainText(json.slice(start, at))) return -1;
      }
      // In Node 20, `startsWith` takes twice the time.
      if (json.slice(at, at + part.length) !== part) return -1;
      at += part.length;
      if (index === textIsAfter) textAt = at;
    }
    return at === json.length ? textAt : -1;
  }

  /** The padding of JSON that has a text; empty if it has none. */
  paddingOf(json: string): string {
    const isPadded = this.parts.length > this.textIsAfter + 2;
    return isPadded ? json.slice(json.lastIndexOf('"', json.length - 3) + 1, -2) : '';
  }
}

/** Whether JSON has the characters of a text as they are, and none of them ends a string. */
function isPlainText(text: string): boolean {
  return !NOT_PLAIN.test(text);
}

/** Where a whole number ends; JSON has no zero before other digits. */
function numberEnd(json: string, start: number): number {
  if (json.charCodeAt(start) === ZERO) return start + 1;
  let at = start;
  for (let code = json.charCodeAt(at); code >= ZERO && code <= NINE; code = json.charCodeAt(at)) at++;
  return at;
}
