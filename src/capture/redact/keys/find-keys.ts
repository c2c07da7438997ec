import { type Edit, REDACTED } from '../edits.js';
import { compileKeyMatcher, type KeyMatcher } from './key-matcher.js';
import { KEY_FORMATS } from './key-table.js';
import { codesMatching, endOf, isLetter } from './scan.js';
import { looksEncoded } from './schemes.js';

/** Shorter keys are not found by their shape: most words of a text are shorter too, and are skipped. */
export const MIN_KEY_LENGTH = 16;

/** The characters of words, ids and paths, by their code. */
const IN_WORD = /* @__PURE__ */ codesMatching(/[\w./~-]/);

/** Whether the text between two places is shorter than a key and has no room for a name with a value, as most words and ids in JSON and in URLs. */
export function isPlain(text: string, start: number, end: number): boolean {
  if (end - start >= MIN_KEY_LENGTH) return false;
  for (let at = start; at < end; at++) if (IN_WORD[text.charCodeAt(at)] !== 1) return false;
  return true;
}

const MATCHER = /* @__PURE__ */ compileKeyMatcher(KEY_FORMATS);

const SPACE = 32;
const SCHEME_BEFORE = /(?:^|[^a-z])(?:bearer|basic) $/i;
const ESCAPE_REST = /(?<=\\)(?:[bfnrt]|u[0-9A-Fa-f]{4})|(?<=%)[0-9A-Fa-f]{2}/y;
const SCHEME_REST = /[A-Za-z0-9+/=._~-]*/y;

/** The shortest key that is known by a mark in its middle only. */
const MIN_MARKED_LENGTH = 36;

/** A secret key of AWS has no shape of its own, but it often stands beside its key id. */
const AWS_KEY_ID = /^A[KS]IA/;
const AWS_SECRET = /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])/g;

/** The characters that keys are made of, by their code. Other characters end a run. */
const IN_RUN = /* @__PURE__ */ codesMatching(/[\w+/=.~$-]/);

function isInRun(code: number): boolean {
  return code < 128 && IN_RUN[code] === 1;
}

function isAlphanumeric(code: number): boolean {
  return isLetter(code) || (code >= 48 && code <= 57);
}

/**
 * Adds an edit for every known key in a text. It looks only at runs of at least `MIN_KEY_LENGTH` characters that keys are made of. To
 * find those, it reads one character in `MIN_KEY_LENGTH` of most texts. Returns where base64 of JSON may begin, if anywhere.
 */
export function findKeys(text: string, edits: Edit[], matcher: KeyMatcher = MATCHER): readonly number[] | undefined {
  const before = edits.length;
  let encodedAt: number[] | undefined;
  for (let start = 0, end = MIN_KEY_LENGTH; end <= text.length; end = start + MIN_KEY_LENGTH) {
    let last = end - 1;
    while (last >= start && isInRun(text.charCodeAt(last))) last--;
    if (last >= start) {
      start = last + 1;
      continue;
    }
    while (end < text.length && isInRun(text.charCodeAt(end))) end++;
    encodedAt = findInRun(text, start, end, edits, matcher, encodedAt);
    start = end + 1;
  }
  if (edits.length > before && edits.some((edit) => AWS_KEY_ID.test(text.slice(edit.start, edit.start + 4)))) {
    for (const { index } of text.matchAll(AWS_SECRET)) edits.push({ start: index, end: index + 40, text: REDACTED });
  }
  return encodedAt;
}

function findInRun(
  text: string,
  start: number,
  end: number,
  edits: Edit[],
  matcher: KeyMatcher,
  encodedAt: number[] | undefined,
): number[] | undefined {
  let encoded = encodedAt;
  if (text.charCodeAt(start - 1) === SPACE && SCHEME_BEFORE.test(text.slice(Math.max(0, start - 8), start))) {
    const tokenEnd = endOf(SCHEME_REST, text, start);
    if (tokenEnd - start >= 16 && looksEncoded(text.slice(start, tokenEnd))) {
      edits.push({ start, end: tokenEnd, text: REDACTED });
      return encoded;
    }
  }
  const last = end - MIN_KEY_LENGTH;
  for (let at = isEscaping(text.charCodeAt(start - 1)) ? endOf(ESCAPE_REST, text, start) : start; at <= last; ) {
    const key = matcher.keyAt(text, at);
    if (key) edits.push(key);
    else if (isEncodedBeginning(text, at)) {
      if (encoded) encoded.push(at);
      else encoded = [at];
    }
    at = key ? key.end : nextWord(text, at, end);
  }
  if (end - start >= MIN_MARKED_LENGTH) matcher.findInside(text, start, end, edits);
  return encoded;
}

/** How JSON begins in base64: `{"`, `{ "`, `{` and a line end, `[{`. */
const ENCODED_BEGINNING = /eyJ|eyI|eyA|ewo|ew0|W3s/y;

/** Few words begin with `ew`, `ey` or `W3`, so most take no expression. */
function isEncodedBeginning(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code !== LOWER_E && code !== CAPITAL_W) return false;
  const next = text.charCodeAt(at + 1);
  return (next === LOWER_W || next === LOWER_Y || next === THREE) && endOf(ENCODED_BEGINNING, text, at) > at;
}

const LOWER_E = 101;
const LOWER_W = 119;
const LOWER_Y = 121;
const CAPITAL_W = 87;
const THREE = 51;

/** Behind `\` and `%` stand the rests of escapes, where a text was quoted twice: `\nsk-…`, `\u0022sk-…`, `%22sk-…`. */
function isEscaping(code: number): boolean {
  return code === 92 || code === 37;
}

/** No key begins inside of a word. */
function nextWord(text: string, at: number, end: number): number {
  let next = at;
  while (next < end && isAlphanumeric(text.charCodeAt(next))) next++;
  return next + 1;
}
