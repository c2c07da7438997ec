import { stringEnd } from '../../../util/json-text.js';
import { applyEdits, type Edit, inOrder } from '../edits.js';
import type { Recent } from '../json-string-memo.js';
import { isPlain, MIN_KEY_LENGTH } from '../keys/find-keys.js';
import { looksRandom } from '../keys/randomness.js';
import { PLAIN, SECRET, SUSPECT, TOKEN } from '../names.js';
import type { Policy } from '../policy.js';
import { findSecrets } from '../text/find-secrets.js';
import { isHarmlessObject } from '../text/harmless.js';
import { type Frame, frameIn, type KeyPath, NO_PATH, rootFrame } from './json-frame.js';
import { literalEnd, numbersEnd } from './json-literals.js';
import { hiddenString, isSecretByName } from './json-names.js';
import { decodeCut, decodeString } from './json-strings.js';

/** Redacted JSON. */
export interface RenderedJson {
  /** Valid JSON. */
  readonly text: string;
  /** How many characters of the source are in it: all, or fewer where the source was cut off. */
  readonly read: number;
  /** Its greatest depth. */
  readonly depth: number;
}

/** How the strings of JSON are redacted. */
export interface ScanRules {
  readonly policy: Policy;
  readonly redactString: (value: string, name: string | undefined, policy: Policy) => string;
  /** The same for a string that was cut off at its end. */
  readonly redactCutString: (value: string, name: string | undefined, policy: Policy) => string;
}

/** Takes the deltas of a stream, which are redacted together when all events have been read. */
export interface DeltaSink {
  /** The path of an event. */
  readonly root: KeyPath;
  /** Strings of earlier events that had no secret. */
  readonly unchanged: Recent<{ readonly text: string }>;
  /** Takes a string of the current event and returns `true`, if the string is a delta. */
  add(value: string, path: KeyPath, key: string, start: number, end: number, edits: Edit[], isCut: boolean): boolean;
  addNumber(key: string, text: string, start: number, end: number): void;
  endEvent(isWhole: boolean): void;
}

const QUOTE = 34;
const COMMA = 44;
const NINE = 57;
const COLON = 58;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** The next token that is allowed; from `KEY` on a string is, from `VALUE` on any value. */
type Next = 0 | 1 | 2 | 3 | 4 | 5 | 6;
/** The text is not JSON. */
const NOTHING = 0;
/** A comma or a closing bracket; at the top, the end of the text. */
const END = 1;
const NAMED = 2;
const KEY = 3;
const FIRST_KEY = 4;
const VALUE = 5;
const FIRST_VALUE = 6;

/** The text between the last whole value and the end of cut JSON: a comma, a key, a number or half of one, blanks. */
const UNFINISHED = /^\s*(?:,\s*)?(?:"[^"\\]*(?:\\.[^"\\]*)*(?:\\|"\s*(?::\s*(?:[\w.+-]+\s*)?)?)?|(?:[\w.+-]+\s*)?)$/;

const SHORTEST_SECRET_LITERAL = 7;

/**
 * A scan of JSON text. `edits` may be added until it is rendered.
 *
 * The scan checks the text as `JSON.parse` does, because parsing the result as well would take longer than everything else. Only a value
 * that is replaced as a whole may hold malformed strings. An edit puts one JSON string in the place of one value or key, so the text stays JSON.
 */
export class JsonScan {
  readonly edits: Edit[] = [];
  readonly #text: string;
  readonly #policy: Policy | undefined;
  readonly #rules: ScanRules | undefined;
  readonly #deltas: DeltaSink | undefined;
  readonly #parents: Frame[] = [];
  #frame: Frame;
  #next: Next = VALUE;
  #depth = 0;
  /** Where the last whole value ends. */
  #wholeUntil = 0;
  #hasAllQuotes = true;
  /** Whether a value was judged by its name, or by what stands beside it. */
  #isJudged = false;

  /**
   * Without `rules` nothing is redacted; that closes the beginning of JSON that was redacted before. With `deltas`, the text is an event of
   * a stream, and its deltas are left to them.
   */
  constructor(text: string, rules: ScanRules | undefined, deltas?: DeltaSink) {
    this.#text = text;
    this.#policy = rules?.policy;
    this.#rules = rules;
    this.#deltas = deltas;
    this.#frame = rootFrame(deltas?.root ?? NO_PATH);
    this.#scan();
  }

  /** Whether every bracket is closed. */
  get isWhole(): boolean {
    return this.#parents.length === 0;
  }

  /** Its greatest depth. */
  get depth(): number {
    return this.#depth;
  }

  /** Whether it is JSON without a secret, also with another text in a delta. */
  get isRepeatable(): boolean {
    return this.isWhole && this.#next === END && this.#hasAllQuotes && !this.#isJudged && this.edits.length === 0;
  }

  /**
   * The text with its edits, and closed if it is only a beginning; `undefined` if that is no JSON.
   * `mayBeCut` says whether it may be a beginning.
   */
  render(mayBeCut: boolean): RenderedJson | undefined {
    const text = this.#text;
    if (!mayBeCut && !(this.isWhole && this.#hasAllQuotes)) return undefined;
    if (this.isWhole ? this.#next !== END : !UNFINISHED.test(text.slice(this.#wholeUntil))) return undefined;
    const open = this.#parents.length > 0 ? [...this.#parents.slice(1), this.#frame] : [];
    const hidden = open.find((frame) => frame.hiddenFrom >= 0);
    if (hidden) this.#replace(hidden.hiddenFrom, text.length);
    const read = open.length === 0 || hidden ? text.length : this.#wholeUntil;
    let closers = '';
    for (const { hiddenFrom, isArray, unnamed } of open.reverse()) {
      if (hiddenFrom < 0) closers += isArray ? ']' : '}';
      // Its name may be in the missing part.
      if (unnamed && this.#policy) this.#replace(unnamed.start, unnamed.end);
    }
    return { text: applyEdits(text, inOrder(this.edits), read) + closers, read, depth: this.#depth };
  }

  #scan(): void {
    const text = this.#text;
    for (let at = 0; at < text.length; ) {
      const code = text.charCodeAt(at);
      if (code === QUOTE && this.#next >= KEY) at = this.#readString(at);
      else if (code === COMMA && this.#next === END && this.#parents.length > 0) {
        this.#wholeUntil = at++;
        this.#frame.index++;
        this.#next = this.#frame.isArray ? VALUE : KEY;
      } else if (code === COLON && this.#next === NAMED) {
        this.#next = VALUE;
        at++;
      } else if ((code === OPEN_OBJECT || code === OPEN_ARRAY) && this.#next >= VALUE) {
        this.#open(at++, code === OPEN_ARRAY);
      } else if ((code === CLOSE_OBJECT || code === CLOSE_ARRAY) && this.#mayClose(code === CLOSE_ARRAY)) {
        this.#close(at++);
      } else if (code === 32 || code === 10 || code === 13 || code === 9) at++;
      else at = this.#readLiteral(at);
    }
  }

  #mayClose(isArray: boolean): boolean {
    if (this.#parents.length === 0 || this.#frame.isArray !== isArray) return false;
    return this.#next === END || this.#next === (isArray ? FIRST_VALUE : FIRST_KEY);
  }

  #open(at: number, isArray: boolean): void {
    this.#parents.push(this.#frame);
    this.#depth = Math.max(this.#depth, this.#parents.length);
    this.#frame = frameIn(this.#frame, at, isArray, this.#parents.length === 1);
    this.#next = isArray ? FIRST_VALUE : FIRST_KEY;
    this.#wholeUntil = at + 1;
  }

  #close(at: number): void {
    const { hiddenFrom } = this.#frame;
    this.#frame = this.#parents.pop() ?? this.#frame;
    if (hiddenFrom >= 0 && this.#frame.hiddenFrom < 0 && !isHarmlessObject(this.#text.slice(hiddenFrom, at + 1))) {
      this.#replace(hiddenFrom, at + 1);
    }
    this.#next = END;
    this.#wholeUntil = at + 1;
    // An element of a list of events.
    if (this.#parents.length === 1 && this.#frame.isArray) this.#deltas?.endEvent(true);
  }

  /** Ends the scan of a text that is not JSON. */
  #stop(): number {
    this.#next = NOTHING;
    return this.#text.length;
  }

  /** Returns where the scan goes on. */
  #readString(start: number): number {
    const end = stringEnd(this.#text, start);
    const isKey = this.#next < VALUE;
    const policy = this.#frame.hiddenFrom < 0 ? this.#policy : undefined;
    if (end === -1) {
      if (!isKey && this.#frame.hiddenFrom < 0) this.#readCutValue(start);
      else if (!isKey) this.#wholeUntil = this.#text.length;
      return this.#text.length;
    }
    if (policy && !(isKey ? this.#readKey(start, end, policy) : this.#readValue(start, end, policy)))
      return this.#stop();
    if (!isKey) this.#wholeUntil = end;
    this.#next = isKey ? NAMED : END;
    return end;
  }

  /** Returns `false` if the string is malformed. */
  #readKey(start: number, end: number, policy: Policy): boolean {
    const known = policy.names.get(this.#text, start + 1, end - 1);
    const key = known?.text ?? decodeString(this.#text, start, end);
    if (key === undefined) return false;
    const kind = known?.kind ?? policy.kind(key);
    this.#frame.key = key;
    this.#frame.kind = kind === TOKEN && this.#frame.hasTextTokens ? SUSPECT : kind;
    if (key.length < MIN_KEY_LENGTH && policy.patterns.length === 0) return true;
    const found = findSecrets(key, policy);
    if (found.length > 0) this.edits.push({ start, end, text: JSON.stringify(applyEdits(key, found)) });
    return true;
  }

  /** Returns `false` if the string is malformed. */
  #readValue(start: number, end: number, policy: Policy): boolean {
    if (end - start === 2) return true;
    const isSearched = this.#deltas !== undefined || policy.ask !== undefined || policy.patterns.length > 0;
    if (isSecretByName(this.#text, start, end, this.#frame, policy, this.edits)) {
      this.#replace(start, end);
      return true;
    }
    if (!isSearched && isPlain(this.#text, start + 1, end - 1)) return true;
    const { key, kind, path, isArray } = this.#frame;
    if (kind !== PLAIN || isArray) this.#isJudged = true;
    // The application's own function is asked each time, because it may say something else for another name.
    const isMemoized = this.#deltas === undefined && policy.ask === undefined && kind === PLAIN;
    if (isMemoized && policy.clean.has(this.#text, start + 1, end - 1)) return true;
    const known = this.#deltas?.unchanged.get(this.#text, start + 1, end - 1)?.text;
    const value = known ?? decodeString(this.#text, start, end);
    if (value === undefined) return false;
    if (!isSearched && end - start < SHORTEST_SECRET_LITERAL) return true;
    if (kind === SUSPECT && looksRandom(value)) this.#replace(start, end);
    else if (!this.#deltas?.add(value, path, key, start, end, this.edits, false) && known === undefined) {
      const redacted = this.#rules?.redactString(value, key || undefined, policy) ?? value;
      if (redacted !== value) this.edits.push({ start, end, text: JSON.stringify(redacted) });
      else if (isMemoized) policy.clean.add(this.#text, start + 1, end - 1);
      else if (!policy.ask) this.#deltas?.unchanged.add({ text: value });
    }
    return true;
  }

  /** Reads a string that was cut off. */
  #readCutValue(start: number): void {
    const value = decodeCut(this.#text, start);
    if (value === undefined) return;
    const end = this.#text.length;
    const { key, kind, path } = this.#frame;
    const policy = this.#policy;
    this.#wholeUntil = end;
    this.#next = END;
    this.#hasAllQuotes = false;
    if (!policy) {
      this.edits.push({ start, end, text: JSON.stringify(value) });
    } else if (kind !== PLAIN || isSecretByName(this.#text, start, end, this.#frame, policy, this.edits)) {
      this.#replace(start, end);
    } else if (!this.#deltas?.add(value, path, key, start, end, this.edits, true)) {
      this.edits.push({
        start,
        end,
        text: JSON.stringify(this.#rules?.redactCutString(value, key || undefined, policy)),
      });
    }
  }

  /** Reads a number, `true`, `false` or `null`, or several numbers of a list. Returns where the scan goes on. */
  #readLiteral(start: number): number {
    const next = this.#readNumbers(start);
    if (next > start) return next;
    const end = this.#next >= VALUE ? literalEnd(this.#text, start) : start;
    if (end === start) return this.#stop();
    this.#next = END;
    const { hiddenFrom, kind, key } = this.#frame;
    if (hiddenFrom < 0 && this.#policy && this.#text.charCodeAt(start) <= NINE) {
      if (kind === SECRET) this.#replace(start, end);
      else this.#deltas?.addNumber(key, this.#text, start, end);
    }
    return end;
  }

  /** Reads numbers that are not looked at one by one. Returns `start` if there are none. */
  #readNumbers(start: number): number {
    const { isArray, hasPairs, hiddenFrom, kind } = this.#frame;
    if (!isArray || hasPairs || this.#deltas || this.#next < VALUE || (kind === SECRET && hiddenFrom < 0)) return start;
    const next = numbersEnd(this.#text, start);
    if (next === start) return start;
    this.#wholeUntil = this.#text.lastIndexOf(',', next - 1);
    this.#next = VALUE;
    return next;
  }

  #replace(start: number, end: number): void {
    this.edits.push(hiddenString(start, end));
  }
}
