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

/** What may differ before a part: the number, the text or the padding of an event. */
export type Gap = 'none' | 'number' | 'text' | 'padding';

/** What stays the same, up to the next gap. */
interface Part {
  readonly gap: Gap;
  readonly json: string;
}

/**
 * JSON that comes again in the events of a stream with another text in one of its strings. Also the number that OpenAI gives an event, and the
 * padding at its end, may differ.
 */
export class RepeatedJson {
  readonly parts: readonly Part[];

  /** `start`, `end`: of the text in `json`, between its quotes. */
  constructor(json: string, start: number, end: number) {
    const before = json.slice(0, start);
    const behind = json.slice(end);
    const [, head = before, afterNumber] = COUNTED.exec(before) ?? [];
    const [, afterText = behind, afterPadding] = PADDED.exec(behind) ?? [];
    const parts: Part[] = [{ gap: 'none', json: head }];
    if (afterNumber !== undefined) parts.push({ gap: 'number', json: afterNumber });
    parts.push({ gap: 'text', json: afterText });
    if (afterPadding !== undefined) parts.push({ gap: 'padding', json: afterPadding });
    this.parts = parts;
  }

  /** Where the text begins in `json`; -1 if `json` differs in anything else, or if a text has an escape. The text ends at the next quote. */
  textAt(json: string): number {
    let at = 0;
    let textAt = -1;
    for (const part of this.parts) {
      if (part.gap === 'text') textAt = at;
      at = gapEnd(json, at, part.gap);
      // In Node 20, `startsWith` takes twice the time.
      if (at === -1 || json.slice(at, at + part.json.length) !== part.json) return -1;
      at += part.json.length;
    }
    return at === json.length ? textAt : -1;
  }

  /** The padding of JSON that has a text; empty if it has none. */
  paddingOf(json: string): string {
    const isPadded = this.parts.at(-1)?.gap === 'padding';
    return isPadded ? json.slice(json.lastIndexOf('"', json.length - 3) + 1, -2) : '';
  }
}

/** Where a gap ends that begins at `start`; -1 if something else is there. */
function gapEnd(json: string, start: number, gap: Gap): number {
  if (gap === 'none') return start;
  if (gap === 'number') return numberEnd(json, start);
  const end = json.indexOf('"', start);
  return end === -1 || NOT_PLAIN.test(json.slice(start, end)) ? -1 : end;
}

/** Where a whole number ends; JSON has no zero before other digits. */
function numberEnd(json: string, start: number): number {
  if (json.charCodeAt(start) === ZERO) return start + 1;
  let at = start;
  for (let code = json.charCodeAt(at); code >= ZERO && code <= NINE; code = json.charCodeAt(at)) at++;
  return at > start ? at : -1;
}
