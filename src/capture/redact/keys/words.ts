import { wordSet } from '../word-set.js';
import { isMadeOfWords } from './randomness.js';

/**
 * For each letter the letters that often follow it in English words and in names of code: about half of all pairs, but nearly all pairs
 * of the words. Counted over the words of documentation and declarations of npm packages.
 */
const FOLLOWERS =
  'a:abcdfgiklmnprstuvwxy b:abcdefhijlmorstuy c:acdehiklmoprstuy d:abcdefgijklmoprsuvy e:abcdefghijklmnopqrstuvwxy f:acefilorstuy ' +
  'g:aeghilmnorstu h:aeimorstuy i:abcdefgklmnoprstvxz j:aeosu k:aefins l:abcdefiklopstuvy m:abdeilmnopsu n:acdefghijklmnopqrstuvy ' +
  'o:abcdefgiklmnoprstuvwx p:acdehilmoprstuy q:u r:abcdefgiklmnoprstuvwy s:acdefhiklmnopqstuwy t:acdefhilmoprstuwy ' +
  'u:abcdefgilmnoprst v:aeio w:adehilnorsw x:aceipt y:ceilmnopstw z:aeio';

const PAIRS: ReadonlySet<string> = /* @__PURE__ */ pairsOf(FOLLOWERS);

function pairsOf(followers: string): ReadonlySet<string> {
  return new Set(followers.split(' ').flatMap((row) => [...row.slice(2)].map((follower) => row.charAt(0) + follower)));
}

/** A name of minified code. Inside of a longer word `isMadeOfWords` has no single letter. */
const MINIFIED = /^[a-z]$/;
/** A word in a name of code, `Map` of `keyMap`, and no acronym. */
const CAPITALISED = /^[A-Z][a-z]/;
const PART = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g;
/** Shorter parts (`id`, `JWT`, `a`) have too few pairs to tell. */
const SHORTEST_TELLING = 4;
const SHORT_WORDS: ReadonlySet<string> = /* @__PURE__ */ wordSet(
  'add ai all api app aws by ci db dev env err for fn get gh id in is jwt key log me my new no not old on or out pre pub pwd raw ref ' +
    'req res run sdk set sql src ssl str sub tag the tls tmp ui uri url use usr var x xml etc lib mnt opt bin',
);
/** One pair in as many may be a rare one: `workflow`, `webhook`. */
const PAIRS_PER_RARE = 9;

/**
 * Whether a text is words and numbers that a language or a program has, and not letters at random. `isMadeOfWords` looks at case and
 * digits only; this looks at the letters as well: `KAEwNEFe` and `bnl.zqkl` have the form of words and are none.
 */
export function readsAsWords(text: string): boolean {
  return (
    isMadeOfWords(text, 0, text.length) && hasUsualParts(text, text.length < SHORTEST_RANDOM ? SHORTEST_RANDOM : 0, 0)
  );
}

/** The same for a name where brackets show that it is one of code: `passwd(`, `Sts[`. */
export function readsAsName(text: string): boolean {
  return isMadeOfWords(text, 0, text.length) && hasUsualParts(text, 1, 1);
}

/** The same for words of sentences: none is of short parts only, `KDBeu`, unless the parts are words by themselves, `apiKey`. */
export function readsAsSentence(text: string): boolean {
  return isMadeOfWords(text, 0, text.length) && hasUsualParts(text, 0, 0);
}

const SHORTEST_UNPRONOUNCEABLE = 8;

/** Whether more than a third of the pairs of letters in a word are rare ones, as in none of any European language. */
export function isUnpronounceable(word: string): boolean {
  return word.length >= SHORTEST_UNPRONOUNCEABLE && rarePairs(word.toLowerCase()) * 3 > word.length - 1;
}

/** Shorter texts may be of short parts only: `ai-sdk`, `db.id`. */
const SHORTEST_RANDOM = 8;

function hasUsualParts(text: string, mostShort: number, mostRare: number): boolean {
  let pairs = 0;
  let rare = 0;
  let telling = 0;
  let short = 0;
  for (const [part] of text.matchAll(PART)) {
    const word = part.toLowerCase();
    if (part.length >= SHORTEST_TELLING) {
      telling++;
      pairs += part.length - 1;
      rare += rarePairs(word);
    } else if (!MINIFIED.test(part) && !SHORT_WORDS.has(word)) {
      short++;
      if (CAPITALISED.test(part)) rare += rarePairs(word);
    }
  }
  return rare <= Math.max(mostRare, Math.floor(pairs / PAIRS_PER_RARE)) && short <= telling + mostShort;
}

function rarePairs(word: string): number {
  let rare = 0;
  for (let at = 1; at < word.length; at++) if (!PAIRS.has(word.slice(at - 1, at + 1))) rare++;
  return rare;
}
