const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;

/** Whether JSON has the characters between two places as they are: none is escaped or forbidden. For short texts a loop is faster than an expression. */
export function isWrittenAsItIs(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

const SLOTS = 512;
const LONGEST = 64;

/**
 * Short texts that were seen lately, each with a result. A lookup needs no hash of the text, because the keys and values of a stream repeat
 * from event to event. Only texts that JSON writes without escapes are stored.
 */
export class Recent<Known extends { readonly text: string }> {
  readonly #slots = new Array<Known | undefined>(SLOTS).fill(undefined);

  /** The entry for the text between two places. */
  get(text: string, start: number, end: number): Known | undefined {
    const known = this.#slots[slotOf(text, start, end)];
    // Comparing a slice takes V8 a third of the time of `startsWith`.
    return known?.text.length === end - start && known.text === text.slice(start, end) ? known : undefined;
  }

  /** Adds an entry, and replaces the one in the same slot. */
  add(known: Known): void {
    const { text } = known;
    if (text.length <= LONGEST && isWrittenAsItIs(text, 0, text.length))
      this.#slots[slotOf(text, 0, text.length)] = known;
  }
}

/** A slot from the first and the last character and the length, in which the keys of one body mostly differ. */
function slotOf(text: string, start: number, end: number): number {
  return (3 * text.charCodeAt(start) + 13 * text.charCodeAt(end - 1) + 31 * (end - start)) & (SLOTS - 1);
}

const SHORTEST_CLEAN = 64;
/** With the number of slots, this bounds what is held to half a million characters. */
const LONGEST_CLEAN = 2048;
const CLEAN_SLOTS = 256;
/** Messages of one conversation that are equally long mostly differ near their end. */
const COMPARED_END = 48;

/**
 * Strings of JSON that were read lately and had no secret, as JSON writes them. A call writes each message several times, in the body of a
 * request and in the attributes of its step, and an agent sends all of them again with every call.
 */
export class CleanStrings {
  readonly #strings = new Array<string | undefined>(CLEAN_SLOTS).fill(undefined);
  /** A string is kept when it comes for the second time: to keep each one would cost more than it saves where none comes again. */
  readonly #hashes = new Int32Array(CLEAN_SLOTS);

  /** Whether the string between two places is known to have no secret. */
  has(json: string, start: number, end: number): boolean {
    if (!isRemembered(start, end)) return false;
    const known = this.#strings[hashOf(json, start, end) & (CLEAN_SLOTS - 1)];
    return known?.length === end - start && known === json.slice(start, end);
  }

  /** Adds a string that has no secret. */
  add(json: string, start: number, end: number): void {
    if (!isRemembered(start, end)) return;
    const hash = hashOf(json, start, end);
    const slot = hash & (CLEAN_SLOTS - 1);
    if (this.#hashes[slot] === hash) this.#strings[slot] = ownCopy(json.slice(start, end));
    else this.#hashes[slot] = hash;
  }
}

function isRemembered(start: number, end: number): boolean {
  return end - start >= SHORTEST_CLEAN && end - start <= LONGEST_CLEAN;
}

function hashOf(json: string, start: number, end: number): number {
  let hash = end - start;
  for (let at = end - COMPARED_END; at < end; at++) hash = (Math.imul(hash, 31) + json.charCodeAt(at)) | 0;
  return hash;
}

/** Copies a text. V8 shares the text of substrings, so one that was cut out of a body would hold the whole body in memory. */
export function ownCopy(text: string): string {
  return JSON.parse(JSON.stringify(text));
}
