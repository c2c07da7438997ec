import { type Edit, REDACTED } from '../edits.js';
import { nextForeignNameEnd } from '../foreign-names.js';
import { isMadeOfWords, isMixed } from '../keys/randomness.js';
import { endOf } from '../keys/scan.js';
import { readsAsSentence } from '../keys/words.js';
import { type NameKind, PLAIN, SECRET, SUSPECT } from '../names.js';
import type { Policy } from '../policy.js';
import { findInStatement } from './by-place/statements.js';
import { isExpression, isPath } from './code.js';
import { EMAIL, isHarmlessValue } from './harmless.js';
import { findInManifest } from './marked-values.js';
import { isInName } from './name.js';
import { findInColumns } from './tables.js';
import { expressionOfKinds } from './words.js';

/**
 * What names of secrets hold, in any case: `key`, `token` and `kennwort` by their `ken`, `pass`, `pwd`, `secret`, `securestring`, `senha`,
 * `contraseña`, `lösenord`, `salasana`; and a statement of a database. V8 reads a text about three times as fast for classes of letters in at
 * most four branches as for a list of words or with the flag `i`.
 */
const NAMES =
  /[Kk][Ee][YyNn]|[Pp](?:[Aa][Ss][Ss]|[Ww][Dd])|[Ss](?:[Ee](?:[Cc](?:[Rr][Ee][Tt]|[Uu][Rr][Ee][Ss])|[Nn](?:[Hh][Aa]|[Oo][Rr][Dd])|[Ññ][Aa])|[Aa][Ll][Aa][Ss][Aa])|IDENTIFIED /g;
const KEN = /(?<=to)ken|kennw/iy;
/** Names that `nameKind` does not know: `ConvertTo-SecureString x`. */
const CERTAIN = /secures$/i;
const LONGEST_CERTAIN = 7;
const MANIFEST = 'kind: Secret';
const LOWER_S = 115;
const SPACE = 32;
const PHRASE = /* @__PURE__ */ expressionOfKinds(
  (kinds) => String.raw`(?:${kinds}) (?:key|token|code)$|mot de passe$|contraseñas?$|lösenord\w{0,3}$`,
  'i',
);
const LONGEST_PHRASE = 20;
/** `OPENAI_KEY`: `nameKind` leaves it in doubt, because constants of code are called so too. */
const VARIABLE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_KEY$/;
const LONGEST_NAME = 64;

/** Also the blanks of HTML and of East Asian texts. */
const BLANK = String.raw`[ \t\u00a0\u3000]`;
const QUOTE = String.raw`(?:\\{0,3}["'\x60]|&quot;|&#(?:34|39|x22);)`;
/** What may stand between a name and its value other than a colon or an equals sign. */
const GAP = /* @__PURE__ */ gapExpression();
/** `&` ends a value only before the next key of a query and in `&quot;`. */
const VALUE = /(?:[^\s"'`<>|&,;\\]|&(?![\w.-]{1,40}[=;]|#)){6,200}/y;
const AFTER_VALUE = /[.,:)\]}*_]+$/;
const CLOSING_QUOTE = /["'`&]/;
/** What ends a cell of a table with commas, semicolons or tabs. */
const CELL_END = /["']?[ ]?[,;\t]/y;
const CELL_BEFORE = /[,;\t][ ]?["']?$/;

/**
 * Adds edits for values that stand behind a name without a colon or an equals sign: `ENV API_KEY x`, `the password is x`, a line below
 * its name, `setProperty("password", "x")`. Without the sign only the value tells a secret from the next word, so it has to look random.
 */
export function findUnseparated(text: string, policy: Policy, edits: Edit[]): void {
  let columnsUntil = 0;
  let manifestUntil = 0;
  NAMES.lastIndex = 0;
  while (NAMES.test(text)) {
    const wordEnd = NAMES.lastIndex;
    // Most are counted tokens: `max_tokens = 5`.
    if (text.charCodeAt(wordEnd) === LOWER_S) continue;
    const last = text.charCodeAt(wordEnd - 1);
    if (last === SPACE) findInStatement(text, wordEnd, edits);
    if (last === SPACE || (isN(last) && endOf(KEN, text, wordEnd - 3) < wordEnd)) continue;
    const end = nameEnd(text, wordEnd);
    NAMES.lastIndex = end;
    const start = endOf(GAP, text, end);
    if (start === end) continue;
    if (wordEnd > columnsUntil && isInHeader(text, end)) {
      columnsUntil = findInColumns(text, wordEnd - 1, policy, edits);
    }
    if (end > manifestUntil && text.startsWith(MANIFEST, end - MANIFEST.length) && text.charAt(end).trim() === '') {
      manifestUntil = findInManifest(text, end, edits);
    }
    const kind = kindOfName(text, wordEnd, end, policy);
    if (kind !== PLAIN) addValue(text, end, start, kind, edits);
  }
  for (let end = nextForeignNameEnd(text, 0); end !== -1; end = nextForeignNameEnd(text, end)) {
    const start = endOf(GAP, text, end);
    if (start > end) addValue(text, end, start, SECRET, edits);
  }
}

function isN(code: number): boolean {
  return code === 110 || code === 78;
}

/** Adds an edit for the value that begins at `start`, behind a name that ends at `end`, if it looks like one. */
function addValue(text: string, end: number, start: number, kind: NameKind, edits: Edit[]): void {
  const valueEnd = endOf(VALUE, text, start);
  if (valueEnd === start) return;
  const found = text.slice(start, valueEnd);
  const value = CLOSING_QUOTE.test(text.charAt(valueEnd)) ? found : found.replace(AFTER_VALUE, '');
  if (kind === SUSPECT && !GENERATED.test(value)) return;
  if (looksSecret(value, text.slice(end, start).trim()))
    edits.push({ start, end: start + value.length, text: REDACTED });
}

/** Whether the name that ends at `end` stands in a cell, so that its line may be the header of a table. */
function isInHeader(text: string, end: number): boolean {
  if (endOf(CELL_END, text, end) > end) return true;
  const from = nameStart(text, end, 0);
  return CELL_BEFORE.test(text.slice(Math.max(0, from - 3), from));
}

function nameStart(text: string, end: number, least: number): number {
  let start = end;
  while (start > least && isInName(text.charCodeAt(start - 1))) start--;
  return start;
}

function nameEnd(text: string, from: number): number {
  const most = Math.min(text.length, from + LONGEST_NAME);
  let end = from;
  while (end < most && isInName(text.charCodeAt(end))) end++;
  return end;
}

/** Behind a doubtful name, such as `key`, stand ids and hashes as well, which have small letters or capitals only. */
const GENERATED = /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w-]{20,}$/;

function kindOfName(text: string, wordEnd: number, end: number, policy: Policy): NameKind {
  if (CERTAIN.test(text.slice(Math.max(0, wordEnd - LONGEST_CERTAIN), wordEnd))) return SECRET;
  const start = nameStart(text, end, Math.max(0, end - LONGEST_NAME));
  const name = text.slice(start, end);
  const kind = policy.kindInText(name);
  if (kind > SUSPECT) return kind;
  const isCertain = kind === SUSPECT && VARIABLE.test(name);
  return isCertain || PHRASE.test(text.slice(Math.max(0, end - LONGEST_PHRASE), end)) ? SECRET : kind;
}

const SHORTEST = 6;
/** Random characters change their kind every second time, those of names of code every fifth. */
const CHANGES_PER_CHARACTER = 0.3;
/** In longer values chance has less say. */
const LONG = 16;
const CHANGES_IN_LONG = 0.2;
/** `Winter2026!`; without a mark only behind what links it to its name. */
const HUMAN = /^[A-Z][a-z]{3,}\d{2,4}[!#$%&*?@^]{1,2}$/;
const LINKED_HUMAN = /^[A-Za-z][a-z]{2,}[!#$%&*?@^]?\d{1,6}[!#$%&*?@^]{0,2}$/;
const LINK = /[^,;|]/;
/** Marks that words and paths don't have in their middle. */
const MARK_INSIDE = /[A-Za-z0-9][!#%^*$~?@&+]{1,3}[A-Za-z0-9]/;
/** Marks that code does not have there either. */
const MARK_OF_PASSWORD = /^(?=.{8})[A-Za-z0-9].*[A-Za-z0-9][!#%^*$~][A-Za-z0-9]/;
/** Calls and lists of code, URLs and options. */
const IN_CODE = /[(){}[\]]|:\/\/|^-/;
const ALGORITHM =
  /^(?:sec[pt]\d{3}[rk]\d|prime256v1|(?:sha|base|utf|latin|aes|rsa|des|ecdsa|ed|hmacsha|hs|rs|es|ps|oauth|openid|argon|bcrypt|scrypt|http|ipv|python|node|vault|version|sqlite|postgres|mysql|web|level|step|line|row|part|page|item|test|user|option|chapter|section|figure|table)[_-]?v?\d+\w{0,2})$/i;
const MOST_DIGITS_IN_NAME = 0.25;

/**
 * Whether a value looks like a secret by itself, without regard to the text before it. `link` is what stands between name and value: a
 * password of a word and a number is known only behind a verb, an arrow or a quote.
 */
function looksSecret(value: string, link: string): boolean {
  if (value.length < SHORTEST || IN_CODE.test(value) || ALGORITHM.test(value) || EMAIL.test(value)) return false;
  if (!HUMAN.test(value) && !(LINK.test(link) && LINKED_HUMAN.test(value)) && !isRandom(value)) return false;
  return !isHarmlessValue(value) && !isExpression(value) && !isPath(value);
}

function isRandom(value: string): boolean {
  if (!/[A-Za-z]/.test(value) || isNameWithNumbers(value)) return false;
  if (isMadeOfWords(value, 0, value.length)) return MARK_OF_PASSWORD.test(value) && !readsAsSentence(value);
  const share = value.length < LONG ? CHANGES_PER_CHARACTER : CHANGES_IN_LONG;
  return isMixed(value, 0, value.length, share) || (MARK_INSIDE.test(value) && !readsAsSentence(value));
}

/** `base64UrlToUint8Array` */
function isNameWithNumbers(value: string): boolean {
  const letters = value.replace(/\d/g, '');
  return letters.length > value.length * (1 - MOST_DIGITS_IN_NAME) && readsAsSentence(letters);
}

function gapExpression(): RegExp {
  return new RegExp(
    `(?:${QUOTE}|[*_)\\]~]){0,3}(?:${[
      // `process.env.NAME || 'x'`, `getenv("NAME") or "x"`, `ENV.fetch('NAME') { 'x' }`
      String.raw`${BLANK}{0,4}(?:\|\||\?\?|\bor\b|\belse\b|\{)${BLANK}{0,4}(?=["'\x60])`,
      // `NAME - x`, `NAME -> x`, `NAME, x`, `NAME | x`
      String.raw`${BLANK}{0,24}(?:->|=>|→|⇒|—|–|<-|\||,|;)${BLANK}{0,24}`,
      `${BLANK}{1,24}-${BLANK}{1,4}`,
      `${BLANK}{1,4}[.…]{3,60}:?${BLANK}{1,4}`,
      // The line below, perhaps with an empty one, a fence or a mark of a list between them.
      String.raw`${BLANK}{0,4}[:=：]?${BLANK}{0,24}(?:\r?\n${BLANK}{0,24}){1,2}(?:\x60{3}\w{0,12}\r?\n|[-*>+] )?`,
      // `<td>NAME</td><td>x</td>`, `<key>NAME</key> <string>x</string>`
      String.raw`<\/\w{1,20}>\s{0,40}<\w{1,20}[^<>]{0,60}>`,
      // `the NAME is x`, `set NAME to x`
      String.raw`(?:${BLANK}{1,4}(?:is|was|are|to|as|will|be|now|set|changed|reset|value|from|with|ist|lautet|est|es|é|è|är|er|jest|это|هي|هو)(?![\w-])){1,3}:?${BLANK}{1,4}`,
      `${BLANK}{0,4}[:=]${BLANK}{0,4}(?=&)`,
      // `the NAME you asked for: x`, also in the line below
      String.raw`(?:${BLANK}[A-Za-z']{1,12}){1,6}:${BLANK}{0,4}(?:\r?\n${BLANK}{0,24}){0,2}`,
      // `secret set NAME --body x`
      String.raw`${BLANK}{1,4}--?[A-Za-z-]{2,14}[ \t=]{1,4}`,
      `${BLANK}{1,24}`,
      '[是は은는][ \\t]?',
    ].join('|')})(?:[NLbr@]?${QUOTE}|[(\\[*_<]){0,3}`,
    'y',
  );
}
