/** What makes a string differ from its JSON, or is not allowed there. */
export const SPECIAL = /[^ !#-[\]-\uffff]/;

const SLOTS = 512;
const LONGEST = 64;

/**
 * Short texts that were seen lately, with what is known of them. Such a text is found where it stands in another one without being
 * hashed, which keys and values that repeat from event to event are worth. It means the same in JSON.
 */
export class Recent<Known extends { readonly text: string }> {
  readonly #slots = new Array<Known | undefined>(SLOTS).fill(undefined);

  /** What is known of the text between two places. */
  get(text: string, start: number, end: number): Known | undefined {
    const known = this.#slots[slotOf(text, start, end)];
    return known?.text === text.slice(start, end) ? known : undefined;
  }

  /** What had the same slot is forgotten. */
  add(known: Known): void {
    const { text } = known;
    if (text.length <= LONGEST && !SPECIAL.test(text)) this.#slots[slotOf(text, 0, text.length)] = known;
  }
}

/** Texts that are read together mostly differ in this. */
function slotOf(text: string, start: number, end: number): number {
  return (3 * text.charCodeAt(start) + 13 * text.charCodeAt(end - 1) + 31 * (end - start)) & (SLOTS - 1);
}
