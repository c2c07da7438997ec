import { isUnpronounceable, readsAsSentence } from '../keys/words.js';

/** A version or a range of versions. */
const VERSION = /^(?:[\^~<>=v]|>=|<=)?\s*\d+(?:\.(?:\d+|x|\*)){1,3}(?:[-+][\w.]+)?$/i;

export function isVersion(value: string): boolean {
  return VERSION.test(value);
}

/**
 * A text without the marks of `before` at its beginning and those of `after` at its end. A regular expression that looks for the end tries each
 * run of such marks from each of its marks on, so that a long run in the middle makes it slow.
 */
export function withoutMarks(text: string, before: string, after: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && before.includes(text.charAt(start))) start++;
  while (end > start && after.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

const SHORTEST_SECRET_WORD = 5;
const BEFORE_WORD = '([{<"\'`*_#';
const BEHIND_WORD = ')]}>"\'`*_.,;:!?';
/** One word as sentences write it: `password`, `Passwort`, `HEADER`, `URLs`. */
const SENTENCE_WORD = /^(?:[A-Z]?[a-z]+|[A-Z]+s?)$/;

/** Whether a word is more than one of a language: letters with digits or marks, or letters in a case or an order that words don't have. */
export function isSecretLike(word: string): boolean {
  const bare = withoutMarks(word, BEFORE_WORD, BEHIND_WORD);
  if (bare.length < SHORTEST_SECRET_WORD || isVersion(bare) || !/[A-Za-z]/.test(bare)) return false;
  if (/\d/.test(bare)) return true;
  if (/[!#$%&*+?@^~]/.test(bare)) return true;
  return SENTENCE_WORD.test(bare) ? isUnpronounceable(bare) : !readsAsSentence(bare);
}

/** What keys, tokens and codes are called that are secret: `access token`. */
const KINDS_OF_KEY = 'api|access|auth|private|secret|security|encryption|signing|master|admin|deploy|shared|webhook';

/** What phrases are called that open a wallet: `seed phrase`. */
const KINDS_OF_PHRASE = 'seed|recovery|backup|secret|mnemonic';

/** An expression of these words. Its text is made in a function, because a bundler keeps a template with a variable also where nothing uses it. */
export function expressionOfKinds(
  source: (kindsOfKey: string, kindsOfPhrase: string) => string,
  flags?: string,
): RegExp {
  return new RegExp(source(KINDS_OF_KEY, KINDS_OF_PHRASE), flags);
}
