import { foreignNameAtEnd, LONGEST_FOREIGN } from '../foreign-names.js';
import { codesMatching } from '../keys/scan.js';
import { type NameKind, PLAIN, SECRET, SUSPECT } from '../names.js';
import type { Policy } from '../policy.js';
import { expressionOfKinds } from './words.js';

/** A name before a separator, and its place. */
export interface Name {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Whether it stands in quotes or brackets: `"api_key":`, `headers["api-key"] =`. */
  readonly isQuoted: boolean;
}

const LONGEST_NAME = 64;
/** JSON that is five times in a string has 31 backslashes before its quotes. */
const LONGEST_GAP = 80;
const BACKSLASH = 92;
const EQUALS = 61;
const GREATER = 62;
const EXCLAMATION = 33;
const QUESTION = 63;
const AMPERSAND = 38;
const CLOSE_PARENTHESIS = 41;
const CLOSE_BRACKET = 93;
const UNDERSCORE = 95;
const LAST_ASCII = 127;

/** The name that ends before `separator`, with blanks, quotes and marks of Markdown between them. */
export function nameBefore(text: string, separator: number): Name | undefined {
  const gapFloor = Math.max(0, separator - LONGEST_GAP);
  let end = beforeBlanks(text, separator, gapFloor);
  const last = text.charCodeAt(end - 1);
  if (last === GREATER) end = beforeEndTag(text, end);
  // `password?: x`, `Password!: x`
  else if ((last === QUESTION || last === EXCLAMATION) && end === separator) end--;
  else if (last === CLOSE_PARENTHESIS || last === CLOSE_BRACKET) end = beforeRemark(text, end);
  // `char password[] =`, `char password[32] =`
  if (end < separator && text.charCodeAt(end - 1) === CLOSE_BRACKET) end = beforeSize(text, end);
  const quoteEnd = end;
  let isQuoted = false;
  while (end > gapFloor && isMark(text.charCodeAt(end - 1))) {
    if (isQuote(text.charCodeAt(end - 1))) isQuoted = true;
    end--;
  }
  if (end < quoteEnd) end = beforeBlanks(text, end, gapFloor);
  let start = end;
  const floor = Math.max(0, end - LONGEST_NAME);
  while (start > floor && isInName(text.charCodeAt(start - 1))) start--;
  // `__API key__`
  while (end > start && text.charCodeAt(end - 1) === UNDERSCORE) end--;
  if (start === end) return undefined;
  // `input[type="password"]:focus`: a value, and no name.
  if (text.charCodeAt(quoteEnd - 1) === CLOSE_BRACKET && text.charCodeAt(start - 2) === EQUALS) return undefined;
  return { text: text.slice(start, end), start, end, isQuoted };
}

const END_TAG = /<\/[A-Za-z][\w:-]{0,20}>$/;
const LONGEST_END_TAG = 24;

/** `<b>password</b>: x` */
function beforeEndTag(text: string, end: number): number {
  const tag = END_TAG.exec(text.slice(Math.max(0, end - LONGEST_END_TAG), end));
  return tag ? end - tag[0].length : end;
}

const REMARK = /[\w*_"'`][ \t][([][\w ,.'’/-]{1,40}[)\]]$/;
const LONGEST_REMARK = 44;

/** `Password (do not share): x`, `API key [prod]: x` */
function beforeRemark(text: string, end: number): number {
  const remark = REMARK.exec(text.slice(Math.max(0, end - LONGEST_REMARK), end));
  return remark ? end - remark[0].length + 1 : end;
}

const SIZE = /[\w$]\[\d{0,5}\]$/;
const LONGEST_SIZE = 8;

function beforeSize(text: string, end: number): number {
  const size = SIZE.exec(text.slice(Math.max(0, end - LONGEST_SIZE), end));
  return size ? end - size[0].length + 1 : end;
}

/** Where the blanks before `at` begin, but not below `floor`. */
function beforeBlanks(text: string, at: number, floor = 0): number {
  let end = at;
  while (end > floor && isBlank(text.charCodeAt(end - 1))) end--;
  return end;
}

/** Also the blanks of HTML and of East Asian texts. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 160 || code === 12288;
}

/** `"`, `'`, backtick, `]` and `\`. */
function isQuote(code: number): boolean {
  return code === 34 || code === 39 || code === 96 || code === 93 || code === 92;
}

/** Quotes, `*` and `~` of Markdown, and the quotes that texts close with. */
function isMark(code: number): boolean {
  return isQuote(code) || code === 42 || code === 126 || isClosingMark(code);
}

/** `”`, `“`, `»`, `«`, `」`. */
function isClosingMark(code: number): boolean {
  return code === 8221 || code === 8220 || code === 187 || code === 171 || code === 12301;
}

const IN_NAME = /* @__PURE__ */ codesMatching(/[\w.-]/);

export function isInName(code: number): boolean {
  return code < 128 && IN_NAME[code] === 1;
}

/** `Incorrect API key provided: …`: names of two words, as sentences write them. */
const PHRASE = /* @__PURE__ */ expressionOfKinds(
  (key, phrase) =>
    `(?:${key}|backup|recovery|account|service|subscription)[ _-](?:key|token|code)$|(?:${phrase})[ _-]phrase$|mot de passe$|kata sandi$|(?:clé|clave|chave|chiave|sleutel)(?: de | d['’]|[ -])api$`,
  'i',
);
/** `GPG key: 3ABC…` */
const HARMLESS_PHRASE = /(?:gpg|pgp|public|primary|foreign|cache|partition|sort) key$/i;
const LAST_WORD_OF_PHRASE = /^(?:key|token|code|phrase|passe|sandi|api)$/i;
const LONGEST_LAST_WORD = 6;
const LONGEST_PHRASE = 32;
const LINKING_WORD = /^(?:provided|is|was|are)$/i;
/** A type between a name and its value: `var token string =`, `const token: string =`. */
const DECLARED =
  /([A-Za-z_$][\w$-]*)(?:\??[ \t]*:[ \t]*|[ \t]+As[ \t]+|[ \t]+)(?:readonly )?(?:&(?:'\w+ )?(?:mut )?)?[A-Za-z_][\w.]{0,30}(?:<[\w ,|]{0,30}>|\[\w{0,20}\])?\??(?:[ \t]*\|[ \t]*\w+)*[ \t]*$/;
/** Operators that have another character before the equals sign: `.=`, `||=`, `??=`, `+=`, `?=`. */
const OPERATOR_BEFORE = /([A-Za-z_$][\w$-]*)[ \t]*(?:\.|\|\||\?\??|\+)$/;
const LONGEST_DECLARATION = 100;

/** What the name before a separator says about the value behind it, and which name says so. */
export interface JudgedPlace {
  readonly kind: NameKind;
  readonly name: Name;
  /** Whether a phrase says that a value follows: `key provided: …`, `password is: …`. */
  readonly isAnnounced: boolean;
}

/** Judges the name before a separator. `undefined` if it says nothing. */
export function judgeName(text: string, separator: number, policy: Policy): JudgedPlace | undefined {
  const name = nameBefore(text, separator);
  const hasForeignBefore = text.charCodeAt((name?.start ?? beforeBlanks(text, separator)) - 1) > LAST_ASCII;
  const foreign = hasForeignBefore && foreignName(text, separator);
  if (foreign) return { kind: SECRET, name: foreign, isAnnounced: false };
  const isEquals = text.charCodeAt(separator) === EQUALS;
  if (!name)
    return isEquals && isOperator(text[separator - 1]) ? behind(OPERATOR_BEFORE, text, separator, policy) : undefined;
  // Types of media and paths of packages: `"application/jwt":`, `"node_modules/cookie":`.
  if (name.isQuoted && (isInPath(text.charCodeAt(name.start - 1)) || isBranch(text, name, separator))) return undefined;
  const kind = kindOf(text, name, policy);
  if (kind !== PLAIN) return { kind, name, isAnnounced: false };
  // The word itself says nothing. Another one beside it may.
  if (isValueName(name.text)) return besideValue(text, name, policy);
  if (isEquals) return beforeEquals(text, separator, name, policy);
  return isLinkingWord(name.text) ? beforeLinkingWord(text, name, policy) : undefined;
}

function beforeEquals(text: string, separator: number, name: Name, policy: Policy): JudgedPlace | undefined {
  // `GET /callback?code=x`: its value may say anything, so it has to look random.
  if (isQueryKey(text, name) && policy.isSecretParameter(name.text)) return { kind: SUSPECT, name, isAnnounced: false };
  if (name.text.endsWith('.')) return behind(OPERATOR_BEFORE, text, separator, policy);
  const isDeclaration = isBlank(text.charCodeAt(separator - 1)) && mayBeType(name.text);
  return isDeclaration ? behind(DECLARED, text, separator, policy) : undefined;
}

function beforeLinkingWord(text: string, linking: Name, policy: Policy): JudgedPlace | undefined {
  const name = nameBefore(text, linking.start);
  if (!name || name.end === linking.start) return undefined;
  const kind = kindOf(text, name, policy);
  return kind > SUSPECT ? { kind, name, isAnnounced: true } : undefined;
}

/** `?key=…` and `&sig=…` outside of a whole URL. */
export function isQueryKey(text: string, name: Name): boolean {
  const mark = text.charCodeAt(name.start - 1);
  return mark === QUESTION || mark === AMPERSAND;
}

/** `/` and `+` */
function isInPath(code: number): boolean {
  return code === 47 || code === 43;
}

const QUESTION_BEFORE = /\?\s{1,40}["'`]$/;
const LONGEST_BRANCH_BEFORE = 42;

/** `passed ? 'PASS' : 'FAIL'`. A name in quotes has no blank before its colon. */
function isBranch(text: string, name: Name, separator: number): boolean {
  return (
    isBlank(text.charCodeAt(separator - 1)) &&
    QUESTION_BEFORE.test(text.slice(Math.max(0, name.start - LONGEST_BRANCH_BEFORE), name.start))
  );
}

function foreignName(text: string, separator: number): Name | undefined {
  const from = Math.max(0, separator - LONGEST_FOREIGN);
  const at = foreignNameAtEnd(text.slice(from, separator));
  return at === -1 ? undefined : { text: 'password', start: from + at, end: separator, isQuoted: false };
}

const VALUE_NAME = /^(?:parameter)?value$|^default$/i;

/** Most names are ruled out by their length, which takes less time than an expression. */
function isValueName(word: string): boolean {
  const { length } = word;
  return (length === 5 || length === 7 || length === 14) && VALUE_NAME.test(word);
}

function isLinkingWord(word: string): boolean {
  const { length } = word;
  return (length === 2 || length === 3 || length === 8) && LINKING_WORD.test(word);
}

/**
 * The name beside a value: `- name: DB_PASSWORD` and `value: x` in the next line, as in Kubernetes, `name: 'api_key', value: 'x'`, or
 * `variable "api_key" {` with `default = "x"` in it.
 */
const NAME_BESIDE =
  /(?:(?:name|key|header)["']?[ \t]*[:=][ \t]*["']?([\w.-]{1,64})["']?[ \t]*[,;]?\s{0,80}["']?|variable "([\w-]{1,64})" \{[^{}]*)$/i;
const LONGEST_BESIDE = 180;

function besideValue(text: string, value: Name, policy: Policy): JudgedPlace | undefined {
  const before = NAME_BESIDE.exec(text.slice(Math.max(0, value.start - LONGEST_BESIDE), value.start));
  const kind = policy.kindInText(before?.[1] ?? before?.[2] ?? '');
  return kind > SUSPECT ? { kind, name: value, isAnnounced: true } : undefined;
}

/** The characters that `OPERATOR_BEFORE` ends with. */
function isOperator(character: string | undefined): boolean {
  return character === '|' || character === '?' || character === '+';
}

const TYPE =
  /^(?:string|str|bytes|any|object|text|char|byte|const|let|var|val|[A-Z]\w*|[a-z]+\.[A-Z]\w*|auto|u8|interface|undefined|null)$/;

function mayBeType(word: string): boolean {
  return TYPE.test(word);
}

function behind(pattern: RegExp, text: string, separator: number, policy: Policy): JudgedPlace | undefined {
  const from = Math.max(0, separator - LONGEST_DECLARATION);
  const line = text.slice(from, separator).trimEnd();
  const match = policy.mayHoldName(line) ? pattern.exec(line) : null;
  const word = match?.[1];
  if (!match || !word) return undefined;
  const start = from + match.index;
  const kind = policy.kindInText(word);
  return kind > SUSPECT
    ? { kind, name: { text: word, start, end: start + word.length, isQuoted: false }, isAnnounced: false }
    : undefined;
}

function kindOf(text: string, name: Name, policy: Policy): NameKind {
  const { start, text: word } = name;
  let kind = policy.kindInText(word);
  // What is left of an escape in a text that was quoted twice: `\\ncookie=…`.
  if (text.charCodeAt(start - 1) === BACKSLASH) kind = Math.max(kind, policy.kindInText(word.slice(1))) as NameKind;
  if (kind > SUSPECT || word.length > LONGEST_LAST_WORD || !LAST_WORD_OF_PHRASE.test(word)) return kind;
  const words = text.slice(Math.max(0, name.end - LONGEST_PHRASE), name.end);
  if (HARMLESS_PHRASE.test(words)) return PLAIN;
  const phrase = PHRASE.exec(words);
  return phrase ? (/api$/i.test(phrase[0]) ? SECRET : policy.kind(phrase[0])) : kind;
}
