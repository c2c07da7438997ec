/** OpenAI ends its chunks with a random text, so that their lengths do not tell what they say. */
const PADDING = ',"obfuscation":"';

/** What ends a JSON string, or begins an escape, or has to be escaped. */
const NOT_PLAIN = /["\\\p{Cc}]/u;

/**
 * Recognizes the events of a stream that differ from an earlier one in nothing but the text of one field, as most do. Such an event need not be
 * parsed: what it does is what the earlier one did, with another text.
 */
export class RepeatedEvent {
  readonly #field: string;
  /** What the earlier event has before the text and behind it. */
  #before: string | undefined;
  #behind = '';

  /** `name`: the field's. */
  constructor(name: string) {
    this.#field = `"${name}"`;
  }

  /**
   * `event`, which is JSON, is the earlier event from now on, if it has the field once and nothing in it needs an escape. Returns whether it is;
   * if not, the one before still is.
   */
  learn(event: string): boolean {
    const json = withoutPadding(event);
    const nameAt = json.indexOf(this.#field);
    const nameEnd = nameAt + this.#field.length;
    if (nameAt === -1 || json.includes(this.#field, nameEnd) || json.includes('\\')) return false;
    const start = json.indexOf('"', nameEnd) + 1;
    const end = json.indexOf('"', start);
    if (start === 0 || end === -1 || json.slice(nameEnd, start).replace(/\s+/g, '') !== ':"') return false;
    this.#before = json.slice(0, start);
    this.#behind = json.slice(end);
    return true;
  }

  /** The text of an event that is otherwise the earlier one; `undefined` if it has to be parsed. */
  textOf(event: string): string | undefined {
    const before = this.#before;
    // In Node 20, `startsWith` takes twice the time.
    if (before === undefined || event.slice(0, before.length) !== before) return undefined;
    const json = withoutPadding(event);
    const end = json.length - this.#behind.length;
    if (end < before.length || !json.endsWith(this.#behind)) return undefined;
    const text = json.slice(before.length, end);
    return NOT_PLAIN.test(text) ? undefined : text;
  }
}

/** The text of a JSON object up to its padding, which is its last field. The whole text if it has none. */
function withoutPadding(event: string): string {
  if (!event.endsWith('"}')) return event;
  const start = event.lastIndexOf(PADDING);
  const isLast = start !== -1 && event.indexOf('"', start + PADDING.length) === event.length - 2;
  return isLast ? event.slice(0, start) : event;
}
