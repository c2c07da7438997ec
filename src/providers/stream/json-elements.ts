const QUOTE = 34;
const BACKSLASH = 92;
/** Everything that matters outside of a string. */
const STRUCTURE = /["[\]{}]/g;
/** Everything that matters inside of one. */
const STRING_END = /["\\]/g;

/**
 * Takes the objects out of a JSON list, one by one, while its text arrives in chunks, cut anywhere: the way in which
 * Gemini streams where it isn't asked for server-sent events. Memory is bounded: an element that is longer than
 * `maxLength` characters is dropped and counted.
 */
export class JsonElements {
  readonly #onElement: (json: string) => void;
  readonly #maxLength: number;
  /** How deep: 1 is in the list, 2 and more in an element. */
  #depth = 0;
  #inString = false;
  #afterBackslash = false;
  /** The beginning of an element whose end has not come yet. */
  #element = '';
  #tooLong = false;
  #dropped = 0;

  /** `onElement` gets the JSON text of each object. */
  constructor(onElement: (json: string) => void, maxLength: number) {
    this.#onElement = onElement;
    this.#maxLength = maxLength;
  }

  /** How many elements were too long to be read. */
  get dropped(): number {
    return this.#dropped;
  }

  push(chunk: string): void {
    let position = this.#afterBackslash ? 1 : 0;
    let elementStart = 0;
    this.#afterBackslash = this.#afterBackslash && chunk === '';
    while (position < chunk.length) {
      const pattern = this.#inString ? STRING_END : STRUCTURE;
      pattern.lastIndex = position;
      const found = pattern.exec(chunk);
      if (!found) break;
      position = found.index + 1;
      const character = chunk.charCodeAt(found.index);
      if (character === QUOTE) {
        this.#inString = !this.#inString;
      } else if (character === BACKSLASH) {
        if (position === chunk.length) this.#afterBackslash = true;
        position++;
      } else if (found[0] === '{' || found[0] === '[') {
        if (++this.#depth === 2) elementStart = found.index;
      } else if (this.#depth > 0 && --this.#depth === 1) {
        this.#endElement(chunk.slice(elementStart, position));
      }
    }
    if (this.#depth > 1) this.#hold(chunk.slice(elementStart));
  }

  /** Nothing to do: each element is read as soon as it is complete. */
  readEarly(): void {}

  /** The text is over. What it cut off is no element. */
  end(): void {
    this.#element = '';
  }

  #endElement(end: string): void {
    this.#hold(end);
    const json = this.#element;
    this.#element = '';
    if (this.#tooLong) this.#dropped++;
    else this.#onElement(json);
    this.#tooLong = false;
  }

  #hold(part: string): void {
    if (this.#element.length + part.length > this.#maxLength) this.#tooLong = true;
    this.#element = this.#tooLong ? '' : this.#element + part;
  }
}
