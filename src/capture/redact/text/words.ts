import { readsAsWords } from '../keys/words.js';

/** A version or a range of versions. */
const VERSION = /^(?:[\^~<>=v]|>=|<=)?\s*\d+(?:\.(?:\d+|x|\*)){1,3}(?:[-+][\w.]+)?$/i;

export function isVersion(value: string): boolean {
  return VERSION.test(value);
}

const SHORTEST_SECRET_WORD = 5;
/** One word as sentences write it: `password`, `Passwort`, `HEADER`, `URLs`. */
const SENTENCE_WORD = /^(?:[A-Z]?[a-z]+|[A-Z]+s?)$/;
/** A small letter before a capital, or capitals before a small letter, in a word that is too short to tell by its letters. */
const SHORT_AND_MIXED = /^(?=.{5,7}$).*(?:[a-z][A-Z]|[A-Z]{2}[a-z])/;

/** Whether a word is more than one of a language: letters with digits or marks, or letters in a case or an order that words don't have. */
export function isSecretLike(word: string): boolean {
  const bare = word.replace(/^[("'`*_#]+|[)"'`*_.,;:!?]+$/g, '');
  if (bare.length < SHORTEST_SECRET_WORD || isVersion(bare) || !/[A-Za-z]/.test(bare)) return false;
  if (/\d/.test(bare)) return true;
  if (/[!#$%&*+?@^~]/.test(bare)) return true;
  if (SENTENCE_WORD.test(bare)) return false;
  return SHORT_AND_MIXED.test(bare) || !readsAsWords(bare);
}
