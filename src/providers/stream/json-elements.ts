const QUOTE = 34;
const BACKSLASH = 92;
const OPENING_BRACKET = 91;
const OPENING_BRACE = 123;
/** The characters that matter outside of a string. */
const STRUCTURE = /["[\]{}]/g;
/** The characters that matter inside of a string. */
const STRING_END = /["\\]/g;

/**
 * Reads the objects of a JSON list (Gemini, if it was not asked for server-sent events), or a sequence of JSON objects
 * (Ollama), one by one, from text that is received in chunks, cut anywhere. Memory is bounded: an element that is longer
 * than `maxLength` characters is dropped and counted.
 */
export class JsonElements {
  readonly #onElement: (json: string) => void;
  readonly #maxLength: number;
  /** How many brackets are open where the elements are: 1 in a list, 0 in a sequence. */
  readonly #baseDepth: number;
  /** How many brackets are open. */
  #depth = 0;
  #inString = false;
  #afterBackslash = false;
  /** The element that is being received. */
  #element = '';
  #tooLong = false;
  #dropped = 0;

  /** `onElement` gets the JSON text of each object. `baseDepth` is 1 for a list and 0 for a sequence. */
  constructor(onElement: (json: string) => void, maxLength: number, baseDepth: 0 | 1) {
    this.#onElement = onElement;
    this.#maxLength = maxLength;
    this.#baseDepth = baseDepth;
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
      // `exec` would make an object for each bracket of a hostile answer.
      if (!pattern.test(chunk)) break;
      position = pattern.lastIndex;
      const character = chunk.charCodeAt(position - 1);
      if (character === QUOTE) {
        this.#inString = !this.#inString;
      } else if (character === BACKSLASH) {
        if (position === chunk.length) this.#afterBackslash = true;
        position++;
      } else if (character === OPENING_BRACE || character === OPENING_BRACKET) {
        if (++this.#depth === this.#baseDepth + 1) elementStart = position - 1;
      } else if (this.#depth > 0 && --this.#depth === this.#baseDepth) {
        this.#endElement(chunk.slice(elementStart, position));
      }
    }
    if (this.#depth > this.#baseDepth) this.#hold(chunk.slice(elementStart));
  }

  /** Nothing to do: each element is read as soon as it is complete. */
  readEarly(): void {}

  /** The text is over. An element that its end cut off is none. */
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
