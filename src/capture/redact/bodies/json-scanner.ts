import { applyEdits, type Edit, inOrder, REDACTED } from '../edits.js';
import { SPECIAL } from '../json-string-memo.js';
import { MIN_KEY_LENGTH } from '../keys/find-keys.js';
import { looksRandom } from '../keys/randomness.js';
import { endOf } from '../keys/sticky.js';
import { type NameKind, PLAIN, SECRET, SUSPECT, TOKEN } from '../names.js';
import type { Policy } from '../policy.js';
import { findSecrets } from '../text.js';
import { redactCutString, redactString } from './json.js';
import type { Lanes } from './split-texts.js';

/** JSON text as it can be kept. */
export interface RenderedJson {
  /** Valid JSON. */
  readonly text: string;
  /** How many characters of the source it stands for: all, or fewer where the source was cut off. */
  readonly read: number;
  /** How deep it is nested at its deepest. */
  readonly depth: number;
}

const QUOTE = 34;
const COMMA = 44;
const NINE = 57;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Where in a JSON schema: `properties: { password: { type: 'string', default: '…' } }` names a secret but isn't one. */
type SchemaPlace = 'none' | 'properties' | 'secret';

/** What a JSON schema says about a property, other than examples of its value. */
const SCHEMA_WORDS = new Set(['$ref', 'description', 'format', 'items', 'pattern', 'title', 'type']);

/** `{ name: 'authorization', value: '…' }`: whether a key has the name of another value under it, or is that value's. */
const PAIR_KEYS = /* @__PURE__ */ new Map<string, 'name' | 'value'>([
  ...['field', 'header', 'key', 'name', 'Header', 'Key', 'Name'].map((key) => [key, 'name'] as const),
  ['value', 'value'],
  ['Value', 'value'],
]);

/** `headers: ['authorization', '…', 'accept', '…']` */
const FLAT_PAIRS = /headers$/i;

/** Under these `token` is a piece of text, not a credential. */
const TEXT_TOKENS = /logprobs|probabilities/i;
const SHORTEST_TEXT_TOKENS = 8;

/** An object or array that is open. */
interface Frame {
  readonly isArray: boolean;
  /** The keys that lead here, where streams are read. */
  readonly path: string;
  readonly hasTextTokens: boolean;
  readonly schema: SchemaPlace;
  /** Where it begins that is replaced as a whole, because its key says that it is a secret; -1 if it isn't. */
  readonly hiddenFrom: number;
  /** Whether names and values take turns in this array: it is an element of another one, or a list of headers. */
  readonly hasPairs: boolean;
  /** The key whose value comes, in an array the key of the array, and what it says. */
  key: string;
  kind: NameKind;
  /** How many values there were before, in an array. */
  index: number;
  /** Whether the last name in here makes `value`, or the next element of a pair, a secret. */
  namesSecret: boolean;
  isNamed: boolean;
  /** Where `value` stands as long as it has no name, which may come after it. */
  unnamed: { start: number; end: number } | undefined;
}

/** What may come next; from `KEY` on it may be a string, from `VALUE` on any value. */
type Next = 0 | 1 | 2 | 3 | 4 | 5 | 6;
/** What stands here is no JSON. */
const NOTHING = 0;
/** A comma or a closing bracket; at the top, the end of the text. */
const END = 1;
const NAMED = 2;
const KEY = 3;
const FIRST_KEY = 4;
const VALUE = 5;
const FIRST_VALUE = 6;

const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** What may stand between the last whole value of a JSON beginning and its end: a comma, a key, a number or half of one, blanks. */
const UNFINISHED = /^\s*(?:,\s*)?(?:"[^"\\]*(?:\\.[^"\\]*)*(?:\\|"\s*(?::\s*(?:[\w.+-]+\s*)?)?)?|(?:[\w.+-]+\s*)?)$/;

const SHORTEST_SECRET_LITERAL = 7;

/**
 * JSON text that has been gone through once. Its `edits` may be added to until it is rendered.
 *
 * All of it is checked on the way, as `JSON.parse` would, for to parse the result as well would take longer than all the rest. Only what is
 * replaced as a whole may hold strings that are none. An edit puts one JSON string where one value or key was, so it stays JSON.
 */
export class JsonScan {
  readonly edits: Edit[] = [];
  readonly #text: string;
  readonly #policy: Policy | undefined;
  readonly #lanes: Lanes | undefined;
  readonly #parents: Frame[] = [];
  #frame: Frame;
  #next: Next = VALUE;
  #depth = 0;
  /** Up to here everything is whole. */
  #wholeUntil = 0;
  #hasAllQuotes = true;

  /**
   * Without a `policy` nothing is redacted: that closes what has been redacted before and was cut off then. With `lanes`, the text is
   * an event of a stream, and the bits of the text that the stream spells are left to them.
   */
  constructor(text: string, policy: Policy | undefined, lanes?: Lanes) {
    this.#text = text;
    this.#policy = policy;
    this.#lanes = lanes;
    this.#frame = newFrame(true, '', false, 'none', -1, false, '', PLAIN);
    this.#scan();
  }

  /** Whether all that was opened was closed. */
  get isWhole(): boolean {
    return this.#parents.length === 0;
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
      // Its name may have been in the part that is missing.
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
    const parent = this.#frame;
    const key = parent.isArray ? '' : parent.key;
    const isSchemaOfSecret = parent.kind !== PLAIN && parent.schema === 'properties' && !isArray;
    const isHidden =
      (parent.kind === SECRET || (parent.namesSecret && PAIR_KEYS.get(key) === 'value')) && !isSchemaOfSecret;
    this.#parents.push(parent);
    this.#depth = Math.max(this.#depth, this.#parents.length);
    this.#frame = newFrame(
      isArray,
      this.#lanes && key !== '' && parent.path.length < LONGEST_PATH ? `${parent.path}.${key}` : parent.path,
      parent.hasTextTokens || (key.length >= SHORTEST_TEXT_TOKENS && TEXT_TOKENS.test(key)),
      isSchemaOfSecret ? 'secret' : schemaPlace(parent, key, isArray),
      parent.hiddenFrom >= 0 ? parent.hiddenFrom : isHidden ? at : -1,
      isArray && (parent.isArray ? this.#parents.length > 1 : FLAT_PAIRS.test(key)),
      isArray ? parent.key : '',
      isArray ? parent.kind : PLAIN,
    );
    this.#next = isArray ? FIRST_VALUE : FIRST_KEY;
    this.#wholeUntil = at + 1;
  }

  #close(at: number): void {
    const { hiddenFrom } = this.#frame;
    this.#frame = this.#parents.pop() ?? this.#frame;
    if (hiddenFrom >= 0 && this.#frame.hiddenFrom < 0) this.#replace(hiddenFrom, at + 1);
    this.#next = END;
    this.#wholeUntil = at + 1;
    // An element of a list of events.
    if (this.#parents.length === 1 && this.#frame.isArray) this.#lanes?.endEvent(true);
  }

  /** What is no JSON ends the scan. */
  #stop(): number {
    this.#next = NOTHING;
    return this.#text.length;
  }

  /** Returns where to go on. */
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

  /** Returns `false` if it is no string. */
  #readKey(start: number, end: number, policy: Policy): boolean {
    const known = policy.names.get(this.#text, start + 1, end - 1);
    const key = known?.text ?? this.#decode(start, end);
    if (key === undefined) return false;
    const kind = known?.kind ?? policy.kind(key);
    this.#frame.key = key;
    this.#frame.kind = kind === TOKEN && this.#frame.hasTextTokens ? PLAIN : kind;
    if (key.length < MIN_KEY_LENGTH && policy.patterns.length === 0) return true;
    const found = findSecrets(key, policy);
    if (found.length > 0) this.edits.push({ start, end, text: JSON.stringify(applyEdits(key, found)) });
    return true;
  }

  /** Returns `false` if it is no string. */
  #readValue(start: number, end: number, policy: Policy): boolean {
    if (end - start === 2) return true;
    if (this.#isSecretByName(start, end, policy)) {
      this.#replace(start, end);
      return true;
    }
    const known = this.#lanes?.staying.get(this.#text, start + 1, end - 1)?.text;
    const value = known ?? this.#decode(start, end);
    if (value === undefined) return false;
    const isShort = end - start < SHORTEST_SECRET_LITERAL;
    if (isShort && !this.#lanes && !policy.ask && policy.patterns.length === 0) return true;
    const { key, kind, path } = this.#frame;
    if (kind === SUSPECT && looksRandom(value)) this.#replace(start, end);
    else if (!this.#lanes?.add(value, path, key, start, end, this.edits, false) && known === undefined) {
      const redacted = redactString(value, key || undefined, policy);
      if (redacted !== value) this.edits.push({ start, end, text: JSON.stringify(redacted) });
      else if (!policy.ask) this.#lanes?.staying.add({ text: value });
    }
    return true;
  }

  /** A string that has no end, as far as it goes. */
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
    } else if (kind !== PLAIN || this.#isSecretByName(start, end, policy)) {
      this.#replace(start, end);
    } else if (!this.#lanes?.add(value, path, key, start, end, this.edits, true)) {
      this.edits.push({ start, end, text: JSON.stringify(redactCutString(value, key || undefined, policy)) });
    }
  }

  /** Numbers, `true`, `false` and `null`. Returns where to go on. */
  #readLiteral(start: number): number {
    const end = this.#next >= VALUE ? endOf(LITERAL, this.#text, start) : start;
    if (end === start) return this.#stop();
    this.#next = END;
    const { hiddenFrom, kind, key } = this.#frame;
    if (hiddenFrom < 0 && this.#policy && this.#text.charCodeAt(start) <= NINE) {
      if (kind === SECRET) this.#replace(start, end);
      else this.#lanes?.addNumber(key, this.#text, start, end);
    }
    return end;
  }

  #isSecretByName(start: number, end: number, policy: Policy): boolean {
    const frame = this.#frame;
    if (frame.kind >= TOKEN) return true;
    if (frame.schema === 'secret' && !SCHEMA_WORDS.has(frame.key)) return true;
    if (frame.isArray) {
      if (!frame.hasPairs) return false;
      if (frame.index % 2 === 1) return frame.namesSecret;
      frame.namesSecret = this.#namesSecret(start, end, policy);
      return false;
    }
    const place = PAIR_KEYS.get(frame.key);
    if (place === 'value') {
      if (!frame.isNamed) frame.unnamed = { start, end };
      return frame.namesSecret;
    }
    if (place === 'name' && end < this.#text.length) {
      frame.namesSecret = this.#namesSecret(start, end, policy);
      frame.isNamed = true;
      if (frame.namesSecret && frame.unnamed) this.#replace(frame.unnamed.start, frame.unnamed.end);
      frame.unnamed = undefined;
    }
    return false;
  }

  #namesSecret(start: number, end: number, policy: Policy): boolean {
    return end - start <= LONGEST_NAME_LITERAL && policy.kind(this.#decode(start, end) ?? '') >= TOKEN;
  }

  /** The value of the string between two quotes; `undefined` if it is none. */
  #decode(start: number, end: number): string | undefined {
    if (end - start <= LONGEST_NAME_LITERAL) {
      const inner = this.#text.slice(start + 1, end - 1);
      if (!SPECIAL.test(inner)) return inner;
    }
    try {
      return JSON.parse(this.#text.slice(start, end));
    } catch {
      return undefined;
    }
  }

  #replace(start: number, end: number): void {
    this.edits.push({ start, end, text: REDACTED_STRING });
  }
}

const REDACTED_STRING = `"${REDACTED}"`;
const LONGEST_NAME_LITERAL = 66;
const LONGEST_PATH = 200;

/** Every frame is made here, so that all have one shape, which is what makes them fast. */
function newFrame(
  isArray: boolean,
  path: string,
  hasTextTokens: boolean,
  schema: SchemaPlace,
  hiddenFrom: number,
  hasPairs: boolean,
  key: string,
  kind: NameKind,
): Frame {
  return {
    isArray,
    path,
    hasTextTokens,
    schema,
    hiddenFrom,
    hasPairs,
    key,
    kind,
    index: 0,
    namesSecret: false,
    isNamed: false,
    unnamed: undefined,
  };
}

function schemaPlace(parent: Frame, key: string, isArray: boolean): SchemaPlace {
  if (parent.schema === 'secret') return isArray && SCHEMA_WORDS.has(key) ? 'none' : 'secret';
  return key === 'properties' && !isArray ? 'properties' : 'none';
}

/** After the closing quote of the string that begins at `start`; -1 if there is none. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = at;
    while (text.charCodeAt(backslashes - 1) === BACKSLASH) backslashes--;
    if ((at - backslashes) % 2 === 0) return at + 1;
  }
  return -1;
}

/** The value of a string literal that has no end, as far as it goes: escapes and characters in two halves need both. */
function decodeCut(text: string, start: number): string | undefined {
  let inner = text.slice(start + 1);
  const unfinished = /\\(?:u[0-9A-Fa-f]{0,3})?$/.exec(inner);
  if (unfinished && isEscape(inner, unfinished.index)) inner = inner.slice(0, unfinished.index);
  try {
    return JSON.parse(`"${inner}"`).replace(/[\ud800-\udbff]$/, '');
  } catch {
    return undefined;
  }
}

/** Whether the backslash at `at` begins an escape and doesn't end one. */
function isEscape(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 0;
}
