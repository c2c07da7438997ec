import { isUnpronounceable, readsAsSentence } from '../keys/words.js';

/** A version or a range of versions. */
const VERSION = /^(?:[\^~<>=v]|>=|<=)?\s*\d+(?:\.(?:\d+|x|\*)){1,3}(?:[-+][\w.]+)?$/i;

export function isVersion(value: string): boolean {
  return VERSION.test(value);
}

const SHORTEST_SECRET_WORD = 5;
/** One word as sentences write it: `password`, `Passwort`, `HEADER`, `URLs`. */
const SENTENCE_WORD = /^(?:[A-Z]?[a-z]+|[A-Z]+s?)$/;

/** Whether a word is more than one of a language: letters with digits or marks, or letters in a case or an order that words don't have. */
export function isSecretLike(word: string): boolean {
  const bare = word.replace(/^[([{<"'`*_#]+|[)\]}>"'`*_.,;:!?]+$/g, '');
  if (bare.length < SHORTEST_SECRET_WORD || isVersion(bare) || !/[A-Za-z]/.test(bare)) return false;
  if (/\d/.test(bare)) return true;
  if (/[!#$%&*+?@^~]/.test(bare)) return true;
  return SENTENCE_WORD.test(bare) ? isUnpronounceable(bare) : !readsAsSentence(bare);
}
