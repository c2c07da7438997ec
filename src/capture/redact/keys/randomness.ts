import { wordSet } from '../word-set.js';

const RANDOM_RUN = /[A-Za-z0-9]{16,}/g;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SHORTEST_RANDOM = 16;

/** `AT05P-KN15H-X5VBT-H1H2W` */
const GROUPS = /^(?=[^0-9]*[0-9])(?=[^A-Z]*[A-Z])[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){3,}$/;

const BASE64 = /^(?:[A-Za-z0-9+/]{4}){2,40}(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
const USER_AND_PASSWORD = /^[\x21-\x39\x3b-\x7e]+:[\x21-\x7e]+$/;

/** Whether a value is base64 of a user and a password, as in the `auths` of Docker. */
function isUserAndPassword(value: string): boolean {
  return BASE64.test(value) && USER_AND_PASSWORD.test(atob(value));
}

/** Whether a value may be the secret that its name suggests: a user with a password in base64, a UUID, groups of a license, or a long run of letters and digits mixed. */
export function looksRandom(value: string): boolean {
  if (isUserAndPassword(value)) return true;
  if (value.length < SHORTEST_RANDOM || /\s/.test(value)) return false;
  if (UUID.test(value) || GROUPS.test(value)) return true;
  return (value.match(RANDOM_RUN) ?? []).some((run) => /[0-9]/.test(run) && /[A-Za-z]/.test(run));
}

/** What a character is made of, for the words of an identifier. */
type CharacterClass = 0 | 1 | 2 | 3;
const OTHER = 0;
const LOWER = 1;
const UPPER = 2;
const DIGIT = 3;

function classOf(code: number): CharacterClass {
  if (code >= 97 && code <= 122) return LOWER;
  if (code >= 65 && code <= 90) return UPPER;
  return code >= 48 && code <= 57 ? DIGIT : OTHER;
}

const LEAST_CHANGES = 3;
/** Camel-cased identifiers change about once in eight characters, random ones once in two or three. */
const CHANGES_PER_CHARACTER = 0.15;

/**
 * Whether the characters between two places are mixed as random ones are: how often a letter follows a digit, a digit a letter, or a
 * capital a small letter, at least `share` times for each character.
 */
export function isMixed(text: string, start: number, end: number, share = CHANGES_PER_CHARACTER): boolean {
  let changes = 0;
  let count = 0;
  let before: CharacterClass = OTHER;
  for (let at = start; at < end; at++) {
    const now = classOf(text.charCodeAt(at));
    if (now !== OTHER) count++;
    if (before !== OTHER && now !== OTHER && now !== before && !(before === UPPER && now === LOWER)) changes++;
    before = now;
  }
  return changes >= LEAST_CHANGES && changes >= count * share;
}

const LONGEST_NUMBER = 8;
const LONGEST_NUMBER_IN_WORD = 4;
const SHORTEST_HUMP = 3;
const SHORTEST_LAST_HUMP = 2;
const SHORT_WORDS = /* @__PURE__ */ wordSet('as at by db do go id if in io ip is js ms my no of on or os to ts ui up');
/** Digits may come before letters only in as short a word: `4o`, `2x`, `3rd`, `128k`. */
const LONGEST_COUNTED = 5;

/**
 * Whether the characters between two places are words and numbers, as identifiers are made of: `container-repr-html-1`,
 * `package_engines_Node20`, `streamGenerateContent`.
 */
export function isMadeOfWords(text: string, start: number, end: number): boolean {
  let wordStart = start;
  for (let at = start; at <= end; at++) {
    if (at < end && classOf(text.charCodeAt(at)) !== OTHER) continue;
    if (at > wordStart && !isWord(text, wordStart, at)) return false;
    wordStart = at + 1;
  }
  return true;
}

function isWord(text: string, start: number, end: number): boolean {
  let before = classOf(text.charCodeAt(start));
  let partStart = start;
  let hasLetters = before !== DIGIT;
  for (let at = start + 1; at <= end; at++) {
    const now: CharacterClass = at < end ? classOf(text.charCodeAt(at)) : OTHER;
    if (now === before || (before === UPPER && now === LOWER && at - partStart === 1)) {
      before = now;
      continue;
    }
    // The last capital of `APIKey` begins the next word.
    const isAcronym = before === UPPER && now === LOWER;
    const length = at - partStart - (isAcronym ? 1 : 0);
    if (isAcronym && length >= SHORTEST_LAST_HUMP) {
      partStart = at - 1;
      before = now;
      continue;
    }
    if (before === DIGIT) {
      if (now !== OTHER && end - start > LONGEST_COUNTED) return false;
      if (length > (hasLetters ? LONGEST_NUMBER_IN_WORD : LONGEST_NUMBER)) return false;
    } else if (now !== DIGIT && partStart > start && length < (now === OTHER ? SHORTEST_LAST_HUMP : SHORTEST_HUMP)) {
      if (length === 2 && SHORT_WORDS.has(text.slice(partStart, at).toLowerCase())) {
        partStart = at;
        before = now;
        continue;
      }
      return false;
    } else if (now !== OTHER && now !== DIGIT && length < SHORTEST_LAST_HUMP) {
      return false;
    }
    if (now !== OTHER && now !== DIGIT) hasLetters = true;
    partStart = at;
    before = now;
  }
  return true;
}
