/** The characters that JSON escapes or forbids. */
export const SPECIAL = /[^ !#-[\]-\uffff]/;

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
    return known?.text === text.slice(start, end) ? known : undefined;
  }

  /** Adds an entry, and replaces the one in the same slot. */
  add(known: Known): void {
    const { text } = known;
    if (text.length <= LONGEST && !SPECIAL.test(text)) this.#slots[slotOf(text, 0, text.length)] = known;
  }
}

/** A slot from the first and the last character and the length, in which the keys of one body mostly differ. */
function slotOf(text: string, start: number, end: number): number {
  return (3 * text.charCodeAt(start) + 13 * text.charCodeAt(end - 1) + 31 * (end - start)) & (SLOTS - 1);
}
