import { type Edit, REDACTED } from '../edits.js';
import { looksRandom } from '../keys/randomness.js';
import { endOf } from '../keys/scan.js';
import { condenseName, type NameKind, PLAIN, SUSPECT, TOKEN } from '../names.js';
import type { Policy } from '../policy.js';
import { decodePart } from '../urls.js';
import { findInPgpass } from './by-place/addresses.js';
import { isHarmlessValue, isNoSecret } from './harmless.js';
import { isQueryKey, judgeName, type Name, nameBefore } from './name.js';
import { isTextToken } from './text-token.js';
import { findValue } from './value/value.js';

/** Finds the secrets of the URL whose scheme ends before `colon`, and returns where the URL ends; `undefined` if there is none. */
export type FindInUrl = (
  text: string,
  colon: number,
  policy: Policy,
  urlDepth: number,
  edits: Edit[],
) => number | undefined;

/** Texts in East Asian languages have wider separators, and particles between a name and its value: `密码是 x`, `パスワードは x`, `пароль — x`. */
const NOT_ASCII = /[：＝是は은는—–]/g;
const PARTICLE = /[是は은는—–]/;
const NOT_ASCII_BEFORE = /[^\p{ASCII}] ?$/u;
const ASCII_BEHIND = /^[ \t"'「]{0,2}[\x21-\x7e]{4}/;

/** Adds an edit for each value after a name that says it is a secret: `name=value`, `name: value`, `"name":"value"`. URLs are read on the way. */
export function findNamed(text: string, policy: Policy, urlDepth: number, findInUrl: FindInUrl, edits: Edit[]): void {
  let colon = text.indexOf(':');
  let equals = text.indexOf('=');
  while (colon !== -1 || equals !== -1) {
    const at = colon === -1 || (equals !== -1 && equals < colon) ? equals : colon;
    if (at === colon && isNumberOrAny(text.charCodeAt(at + 1))) findInPgpass(text, at, edits);
    const next =
      (at === colon && findInUrl(text, at, policy, urlDepth, edits)) || findAfterName(text, at, policy, edits);
    if (colon !== -1 && colon < next) colon = text.indexOf(':', next);
    if (equals !== -1 && equals < next) equals = text.indexOf('=', next);
  }
  for (let at = text.indexOf('%3'); at !== -1; ) at = text.indexOf('%3', findEncoded(text, at, policy, edits));
  NOT_ASCII.lastIndex = 0;
  while (NOT_ASCII.test(text)) {
    const at = NOT_ASCII.lastIndex - 1;
    NOT_ASCII.lastIndex =
      PARTICLE.test(text.charAt(at)) && !isBetweenNameAndValue(text, at)
        ? at + 1
        : findAfterName(text, at, policy, edits);
  }
}

/** What stands for the port in a line of `.pgpass`. */
function isNumberOrAny(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 42;
}

/** A particle or a dash stands in any sentence. Between a word of these languages and a text in ASCII it may say that a value follows. */
function isBetweenNameAndValue(text: string, at: number): boolean {
  return NOT_ASCII_BEFORE.test(text.slice(Math.max(0, at - 2), at)) && ASCII_BEHIND.test(text.slice(at + 1, at + 8));
}

/** Up to an encoded `&`, `;`, quote or line end. A long value is judged by its beginning, so that a text of such names is not slow. */
const ENCODED_VALUE = /(?:[^\s"'`<>&;,%\\]|%(?!26|3[Bb]|2[27]|0[AaDd]))+/y;
const LONGEST_JUDGED = 300;
const ENCODED_EQUALS = /%3D/iy;
const PERCENT = 37;

/** `client_secret%3Dx%26…`: a query or a form that is encoded and stands in a text. Returns where to go on. */
function findEncoded(text: string, at: number, policy: Policy, edits: Edit[]): number {
  const start = endOf(ENCODED_EQUALS, text, at);
  const name = start > at ? nameBefore(text, at) : undefined;
  if (!name) return at + 1;
  const kind = policy.kindInText(text.charCodeAt(name.start - 1) === PERCENT ? name.text.slice(2) : name.text);
  if (kind === PLAIN) return start;
  const near = text.slice(start, start + LONGEST_JUDGED);
  const beginning = near.slice(0, endOf(ENCODED_VALUE, near, 0));
  if (kind > SUSPECT ? isNoSecret(decodePart(beginning)) : !looksRandom(beginning)) return start;
  const end = endOf(ENCODED_VALUE, text, start);
  edits.push({ start, end, text: REDACTED });
  return end;
}

const SHORT_NUMBER = /^[0-9]{1,9}$/;
/** What is not random at its beginning is not random; this keeps texts quick in which every word is doubtful. */
const LONGEST_DOUBTFUL = 100;
/** A bare value that ends as a name does may be one itself: `passwords: see(secret_key: …`. */
const SEPARATOR_LAST = /[:=](?=\s)/y;
const NAME_LAST = /[\w"'][ \t]{0,4}[:=][ \t]{0,4}$/;
const LONGEST_NAME_LAST = 10;

/** Returns where to go on. */
function findAfterName(text: string, separator: number, policy: Policy, edits: Edit[]): number {
  const place = judgeName(text, separator, policy);
  if (!place) return separator + 1;
  const { kind, name } = place;
  const isCertain = kind !== SUSPECT || (isQueryKey(text, name) && policy.kindInText(name.text) === SUSPECT);
  if (!isCertain && !startsRandom(text, separator, name, policy)) return separator + 1;
  const value = findValue(text, separator, place, policy);
  if (!value) return separator + 1;
  const found = text.slice(value.start, value.end);
  if (kind === TOKEN && (SHORT_NUMBER.test(found) || (name.isQuoted && isTextToken(text, separator, found)))) {
    return separator + 1;
  }
  if (value.isQuoted && (isHarmlessValue(found) || condenseName(found) === condenseName(name.text))) return value.start;
  edits.push({ start: value.start, end: value.end, text: REDACTED });
  // A name at the end of a bare value has its own value behind the quote that ends it: `;password=--cookie = "…"`.
  if (NAME_LAST.test(found.slice(-LONGEST_NAME_LAST))) return value.end - 1 - (found.length - found.trimEnd().length);
  return endOf(SEPARATOR_LAST, text, value.end - 1) === value.end ? value.end - 1 : value.end;
}

function startsRandom(text: string, separator: number, name: Name, policy: Policy): boolean {
  const beginning = text.slice(0, separator + LONGEST_DOUBTFUL);
  const kind: NameKind = SUSPECT;
  const value = findValue(beginning, separator, { kind, name, isAnnounced: false }, policy);
  return value !== undefined && looksRandom(beginning.slice(value.start, value.end));
}
