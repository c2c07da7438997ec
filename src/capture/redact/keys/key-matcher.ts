import { type Edit, REDACTED } from '../edits.js';
import { ALPHABETS, type Alphabet, type FormatRow } from './key-format.js';
import { isMadeOfWords, isMixed } from './randomness.js';
import { endOf } from './scan.js';
import { readsAsWords } from './words.js';

/** Finds the keys of a table of formats. */
export interface KeyMatcher {
  /** The edit for the key that begins at `at`, the beginning of a word; `undefined` if none does. */
  keyAt(text: string, at: number): Edit | undefined;
  /** Adds edits for keys between two places that are known by a mark in their middle. */
  findInside(text: string, start: number, end: number, edits: Edit[]): void;
}

/** A row with one of its prefixes. */
interface Format {
  readonly prefix: string;
  /** The bit of its alphabet in `MEMBERSHIP`. */
  readonly bit: number;
  readonly least: number;
  readonly most: number;
  /** The shortest rest that is redacted, because a key may have been cut off. */
  readonly leastCut: number;
  readonly isWeak: boolean;
  /** Whether words with separators between them can't have its length by chance. */
  readonly isPlain: boolean;
  readonly rest: RegExp;
  readonly before: RegExp | undefined;
  readonly shape: RegExp | undefined;
}

const NAMES = /* @__PURE__ */ Object.keys(ALPHABETS) as Alphabet[];
/** For each character, by its code, a bit for every alphabet that it belongs to. */
const MEMBERSHIP = /* @__PURE__ */ membership();

function membership(): Uint32Array {
  const bits = new Uint32Array(128);
  for (const [index, name] of NAMES.entries()) {
    const pattern = new RegExp(`[${ALPHABETS[name]}]`);
    for (let code = 0; code < 128; code++) {
      if (pattern.test(String.fromCharCode(code))) bits[code] = (bits[code] ?? 0) | (1 << index);
    }
  }
  return bits;
}

function bitOf(alphabet: Alphabet): number {
  return 1 << NAMES.indexOf(alphabet);
}

const URL_BIT = /* @__PURE__ */ bitOf('url');
const ALNUM_BIT = /* @__PURE__ */ bitOf('alnum');

/** All of a key goes, also what its issuer's documentation doesn't mention: `sntrys_eyJ…==_…`, `AKIA…:…`. */
const TOKEN_REST = /(?:[\w~-]|[.:$!*^](?=[\w-])|=(?![0-9A-Za-z]))*/y;
const BASE64_REST = /(?:[\w~+/-]|[.:$!*^](?=[\w-])|=(?![0-9A-Za-z]))*/y;

/** Fewer characters than the key has are redacted too, where the prefix says enough: it ends with a separator, or is long. */
const LEAST_BEHIND_SEPARATOR = 10;
const LEAST_BEHIND_WORD = 16;
const LONG_PREFIX = 4;
const LONG_BODY = 30;
/** Behind a prefix as long as this the key may be of small letters only. */
const CERTAIN_PREFIX = 8;
/** What a wrong prefix costs is bounded by this, so that a text of prefixes is not slow. */
const MOST_COUNTED = 200;
const LONGEST_BEFORE = 80;

/**
 * Compiles a table of formats. A word is looked up by its first three characters, so its cost depends on how many formats begin with
 * the same three, not on how many there are.
 */
export function compileKeyMatcher(rows: readonly FormatRow[]): KeyMatcher {
  const buckets = new Map<number, Format[]>();
  const inside = new Map<string, Format[]>();
  for (const row of rows) {
    for (const prefix of row[1].split(' ')) {
      const format = formatOf(row, prefix);
      if (row[6]?.isInside) addTo(inside, prefix, format);
      else for (const beginning of beginningsOf(format)) addTo(buckets, packThree(beginning, 0), format);
    }
  }
  // One look at an array rules out most words, which is faster than to look them up in the map.
  const firstTwo = new Uint8Array(128 * 128);
  for (const beginning of buckets.keys()) firstTwo[beginning >> 8] = 1;
  for (const formats of buckets.values()) formats.sort((a, b) => b.prefix.length - a.prefix.length);
  const marks = new RegExp([...inside.keys()].map(escapePattern).join('|') || '(?!)', 'g');
  return {
    keyAt: (text, at) => {
      if (firstTwo[(text.charCodeAt(at) << 7) | text.charCodeAt(at + 1)] !== 1) return undefined;
      const formats = buckets.get(packThree(text, at));
      if (!formats) return undefined;
      for (const format of formats) {
        if (!text.startsWith(format.prefix, at)) continue;
        const key = keyOf(format, text, at);
        if (key) return key;
      }
      return undefined;
    },
    findInside: (text, start, end, edits) => {
      const run = text.slice(start, end);
      marks.lastIndex = 0;
      for (let match = marks.exec(run); match; match = marks.exec(run)) {
        for (const format of inside.get(match[0]) ?? []) {
          const key = keyAround(format, text, start + match.index);
          if (key) edits.push(key);
        }
      }
    },
  };
}

const PLAIN_ALPHABETS: ReadonlySet<Alphabet> = /* @__PURE__ */ new Set<Alphabet>([
  'hex',
  'HEX',
  'hex-',
  'letters',
  'lower',
  'UPPER',
  'alnum',
] as const);

function addTo<Key>(map: Map<Key, Format[]>, key: Key, format: Format): void {
  const known = map.get(key);
  if (known) known.push(format);
  else map.set(key, [format]);
}

function formatOf([, , alphabet, length, , , details = {}]: FormatRow, prefix: string): Format {
  const [least, most] = typeof length === 'number' ? [length, length] : length;
  return {
    prefix,
    bit: bitOf(alphabet),
    least,
    most,
    leastCut: leastCut(prefix, least),
    isWeak: details.isWeak === true,
    isPlain: PLAIN_ALPHABETS.has(alphabet),
    rest: ALPHABETS[alphabet].includes('+/') ? BASE64_REST : TOKEN_REST,
    before: details.before,
    shape: details.shape,
  };
}

function leastCut(prefix: string, least: number): number {
  if (!/[A-Za-z0-9]$/.test(prefix)) return Math.min(LEAST_BEHIND_SEPARATOR, least);
  return prefix.length >= LONG_PREFIX ? Math.min(LEAST_BEHIND_WORD, least) : least;
}

const THIRD_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=';

/** The first three characters of a format; all of them, where its prefix is shorter. */
function beginningsOf({ prefix, bit }: Format): string[] {
  if (prefix.length >= 3) return [prefix];
  return [...THIRD_CHARACTERS]
    .filter((character) => character === '=' || ((MEMBERSHIP[character.charCodeAt(0)] ?? 0) & bit) !== 0)
    .map((character) => prefix + character);
}

function packThree(text: string, at: number): number {
  return (text.charCodeAt(at) << 15) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2);
}

function escapePattern(text: string): string {
  return text.replace(/[$+.^|\\]/g, '\\$&');
}

function countOf(text: string, from: number, bit: number, most: number): number {
  const end = Math.min(text.length, from + most);
  let at = from;
  while (at < end && hasBit(text.charCodeAt(at), bit)) at++;
  return at - from;
}

function hasBit(code: number, bit: number): boolean {
  return code < 128 && ((MEMBERSHIP[code] ?? 0) & bit) !== 0;
}

function keyOf(format: Format, text: string, at: number): Edit | undefined {
  let start = at;
  if (format.before) {
    const match = format.before.exec(text.slice(Math.max(0, at - LONGEST_BEFORE), at));
    if (!match) return undefined;
    start -= match[0].length;
  }
  const bodyStart = at + format.prefix.length;
  if (format.shape) {
    const end = endOf(format.shape, text, at);
    return end === at ? undefined : { start, end: endOf(format.rest, text, end), text: REDACTED };
  }
  if (format.isWeak && isInsideToken(format, text, at)) return undefined;
  const count = countOf(text, bodyStart, format.bit, format.isWeak ? format.most + 1 : MOST_COUNTED);
  const isKey = format.isWeak ? isWholeToken(format, text, at, count) : isKeyBody(format, text, bodyStart, count);
  if (!isKey) return undefined;
  const end = bodyStart + Math.max(count, countOf(text, bodyStart, format.bit, format.most));
  return { start, end: endOf(format.rest, text, end), text: REDACTED };
}

/** Whether the character before a prefix belongs to a longer token. */
function isInsideToken(format: Format, text: string, at: number): boolean {
  if (at === 0) return false;
  const before = text[at - 1] as string;
  return (
    hasBit(before.charCodeAt(0), URL_BIT) || before === '.' || (format.rest === BASE64_REST && '+/'.includes(before))
  );
}

/** The prefix says little, so everything else has to be right. */
function isWholeToken(format: Format, text: string, at: number, count: number): boolean {
  const bodyStart = at + format.prefix.length;
  const end = bodyStart + count;
  if (count < format.least || count > format.most || hasBit(text.charCodeAt(end), URL_BIT)) return false;
  return !isMadeOfWords(text, bodyStart, end) && (count >= LONG_BODY || isMixed(text, bodyStart, end));
}

function isKeyBody(format: Format, text: string, bodyStart: number, count: number): boolean {
  const bodyEnd = bodyStart + count;
  const isWhole = count >= format.least && count <= format.most && !hasBit(text.charCodeAt(bodyEnd), ALNUM_BIT);
  const isCertain =
    count === 0 || format.prefix.length >= CERTAIN_PREFIX || hasDigitOrCapital(text, bodyStart, bodyEnd);
  if (isWhole && (format.isPlain || format.before) && isCertain) {
    return true;
  }
  const length = countOf(text, bodyStart, URL_BIT, MOST_COUNTED);
  const end = bodyStart + Math.max(count, length);
  if (
    count >= format.leastCut &&
    hasDigitOrCapital(text, bodyStart, end) &&
    !readsAsWords(text.slice(bodyStart, end))
  ) {
    return true;
  }
  // Three letters alone begin many ids: `SCW`, `A3T`.
  if (format.prefix.length < LONG_PREFIX && hasBit(text.charCodeAt(bodyStart - 1), ALNUM_BIT)) return false;
  return length >= format.least && isMixed(text, bodyStart, bodyStart + length);
}

function hasDigitOrCapital(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if ((code >= 48 && code <= 57) || (code >= 65 && code <= 90)) return true;
  }
  return false;
}

function keyAround(format: Format, text: string, at: number): Edit | undefined {
  const before = format.before?.exec(text.slice(Math.max(0, at - LONGEST_BEFORE), at));
  if (!before) return undefined;
  const bodyStart = at + format.prefix.length;
  const count = countOf(text, bodyStart, format.bit, format.most + 1);
  if (count < format.least || count > format.most) return undefined;
  return { start: at - before[0].length, end: endOf(format.rest, text, bodyStart + count), text: REDACTED };
}
