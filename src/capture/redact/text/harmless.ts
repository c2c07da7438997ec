import { isMadeOfWords, isMixed } from '../keys/randomness.js';
import { readsAsWords } from '../keys/words.js';
import { wordSet } from '../word-set.js';
import { isExpression } from './code.js';
import { isSecretLike, isVersion, withoutMarks } from './words.js';

/** Words that stand where a value would: types, states, settings. */
const NO_VALUE = /* @__PURE__ */ wordSet(
  'admin all always any array auto boolean bool buffer byte bytes char dict disabled empty enabled expired false float function ' +
    'hidden inherit int integer invalid list long map missing never nil no none not null number object off ok on optional read ' +
    'record redacted refresh required self set short static str string symbol text this true tuple type undefined unknown unset uuid ' +
    'oauth2 valid var varchar void write yes hover focus active before after',
);

/** The words of sentences that describe a value, and the verbs of placeholders. */
const DESCRIBING = /* @__PURE__ */ wordSet(
  'a after all an and any are as at be been before but by can cannot contain contains did do does each enter every for forgot from ' +
    'get has have here how if in include incorrect invalid is it its least length may more most must need needs never new no not of off ' +
    'on one only or optional our please per provide required reset same see set should show so some than that the their them then ' +
    'there these they this those to too two under unless until use used uses using via was we were what when where which while who ' +
    'why will with without wrong you your minimum maximum characters letters digits long field identifier api password passwords token tokens secret secrets key keys credential credentials login ' +
    'de la le el los das der die den ist und mot du des un una uno per il di da do o e sua seu votre ihr tu su deine dein debe tener al menos doit muss mindestens moins deve ter',
);

/** Values of dictionary words that name what should stand there. */
const PLACEHOLDER =
  /pass(?:word|wd|phrase|code|wort)|pwd|token|secret|key|cookie|cred|auth|your|example|placeholder|change|dummy|sample|todo|xxx|redacted|insert|jwt|kennwort|senha|wachtwoord|contrase|haslo|lozenord|losenord|sifre|jeton/i;

const WHOLE_TEMPLATE = /^(?:\$\{\{?[^{}]*\}?\}|\{\{[^{}]*\}\}|\$\([^()]*\)|<%[^%]*%>|#\{[^{}]*\})$/;
const TEMPLATES = [
  // Shell and JavaScript: `$TOKEN`, `${token}`, `$(pass show x)`, `$1`.
  /^\$(?:[A-Za-z_]\w*(?:[=:/.,-]+\$?\{?\w+\}?)*|\d+|[@?!#*]|[{(].*)$/s,
  /^(?:\{\w*\}[:@/ -]?)+$/,
  // Jinja, GitHub, Handlebars, Python's format, Ruby, ERB, XML-like placeholders.
  /^\{\{?[ %]*[\w.$]*[\w .|'"()-]*\}{0,2}$/,
  /^#\{[^}]*\}?$/,
  /^<[%?=]?[-\w .|:/()'"]*[%?]?>?$/,
  // printf, Python's `%` and SQL parameters.
  /^%(?:\(\w*\)?)?[+#]?[A-Za-z]?$/,
  /^[:@&*!?]?[A-Za-z_]+\?$/,
  // Windows.
  /^%\w+%$/,
  /^\?$|^[:@]\w+$/,
];
/** The name of a variable in a shell. */
const SHELL_VARIABLE = /^\$[A-Z]+(?:_[A-Z0-9]+)*$/;
/** Masks, and the few characters that some leave readable: `****`, `sk-…`, `xxxx1234`. */
const MASKS = [/^(?:\*{2,}|\.{3,}|…|•+|[xX]{3,}|-{2,}|_{3,}|#{3,})/, /(?:\.{3}|…|\*{3,}|x{4,})$/i];

const SCHEME = /^(?:bearer|basic|token|apikey|digest)\s+/i;
const ONLY_MARKS = /^[^\p{L}\p{N}]{1,4}$/u;
const LONGEST_READ = 300;

/** Whether something else is put in the place of a value later: `${{ secrets.X }}`, `$TOKEN`, `<token>`, `{token}`, `%s`, `****`. */
export function isTemplate(value: string): boolean {
  const bare = value.replace(SCHEME, '').trim();
  if (bare.length > LONGEST_READ) return false;
  if (WHOLE_TEMPLATE.test(bare) || SHELL_VARIABLE.test(bare)) return true;
  return (TEMPLATES.some((template) => template.test(bare)) && readsAsWords(bare)) || isMask(bare);
}

const LONGEST_READABLE = 4;
/** `sk-proj-…` */
const PREFIX = /^[a-z_-]{1,10}[_-]$/;

function isMask(value: string): boolean {
  const mask = MASKS.find((pattern) => pattern.test(value));
  if (!mask) return false;
  const rest = value.replace(mask, '');
  return rest.length <= LONGEST_READABLE || PREFIX.test(rest) || (/^[\w-]+$/.test(rest) && readsAsWords(rest));
}

/** Marks of sentences before and after a word. */
const BEFORE_WORD = '("\'`';
const BEHIND_WORD = ')"\'`.,:;!?…';

/** Whether a value reads as what describes a secret and not as one: more than one word, and one of them a word of sentences. */
export function isDescription(value: string): boolean {
  const words = value.slice(0, LONGEST_READ).trim().split(/\s+/);
  if (words.length < 2 || words.some(isSecretLike)) return false;
  return words.some((word) => DESCRIBING.has(withoutMarks(word.toLowerCase(), BEFORE_WORD, BEHIND_WORD)));
}

export const EMAIL = /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/;

const BEHIND_VALUE = ')]}>:;,?!.';

/** Whether a value is a word that stands for a type, a state or a setting. */
export function isNoValue(value: string): boolean {
  return NO_VALUE.has(withoutMarks(value.toLowerCase(), '', BEHIND_VALUE));
}

/** Whether a value is made of dictionary words that name a secret: `your-api-key`, `userPassword`, `my-tls-secret`. */
export function isPlaceholder(value: string): boolean {
  return (
    value.length <= 64 &&
    !/[\d\s]/.test(value) &&
    PLACEHOLDER.test(value) &&
    readsAsWords(value) &&
    /^[\w.<>[\]{}|/:-]+$/.test(value)
  );
}

/** The name of an authentication scheme alone: `"Basic " + credentials`. */
const ONLY_SCHEME = /^(?:bearer|basic|digest|token|negotiate|oauth|apikey|hawk)\s*$/i;
const COLOUR = /^#[0-9a-f]{3,8}$/i;
/** Regular expressions and comments in code. */
const PATTERN = /^\/[\^*]|^(?:\/\/|;)(?:\s|$)|^\\[wdsS]|^\(\?:|^\[\^?[\w-]+\]/;
/** A URL without user info. It is searched by itself. */
const WHOLE_URL = /^[a-z][a-z0-9+.-]{1,20}:\/\/[^@\s]*$/i;
/** `HEADER.PAYLOAD.SIGNATURE` */
const CAPITAL_WORDS = /^(?:[A-Z]*[AEIOUY][A-Z]*[._-]){1,6}[A-Z]*[AEIOUY][A-Z]*$/;
/** The name of a variable of the environment: `CO_API_KEY`. */
const ENVIRONMENT_NAME = /^[A-Z]+(?:_[A-Z]+)*_(?:KEY|TOKEN|SECRET|PASSWORD|PASS|PWD)$/;
/** `fetch(url, { credentials: 'include' })` */
const FETCH_CREDENTIALS = /^(?:same-origin|include|omit)$/;
/** One word as a label begins: `Jeton`, `Geheimnis`. */
const LABEL_WORD = /^[A-Z](?=[a-z]*[aeiouy])[a-z]{3,13}$/;
const LETTERS = /^[\p{L}\p{M}\s'’.,:;!?()…-]+$/u;
const NOT_ASCII_LETTER = /[^\p{ASCII}]/u;

/**
 * Whether the value of a secret name is plainly none: a template, a placeholder, a description, a word of another language (in files of
 * translations), a version, or punctuation. What looks random never is.
 */
export function isHarmlessValue(value: string): boolean {
  if (value.length > LONGEST_READ) return isDescription(value);
  return (
    ONLY_MARKS.test(value) ||
    ONLY_SCHEME.test(value) ||
    WHOLE_URL.test(value) ||
    (LABEL_WORD.test(value) && readsAsWords(value)) ||
    COLOUR.test(value) ||
    (PATTERN.test(value) && !isMixed(value, 0, value.length)) ||
    (value.length <= 64 && CAPITAL_WORDS.test(value) && readsAsWords(value)) ||
    ENVIRONMENT_NAME.test(value) ||
    FETCH_CREDENTIALS.test(value) ||
    isVersion(value) ||
    isTemplate(value) ||
    isPlaceholder(value) ||
    isDescription(value) ||
    (NOT_ASCII_LETTER.test(value) && LETTERS.test(value) && isMadeOfWords(value, 0, value.length)) ||
    /^(?:arn:aws[\w-]*:|@Microsoft\.KeyVault\()/.test(value)
  );
}

/** Whether what stands behind the name of a secret is plainly none: also a setting, or code that the secret comes from. */
export function isNoSecret(value: string): boolean {
  return isNoValue(value) || isHarmlessValue(value) || isExpression(value);
}

const EMPTY_OBJECT = /^[[{]\s*[\]}]$/;
/** An entry of a lock file of npm. */
const LOCKED = /"version"\s*:[\s\S]*"(?:resolved|integrity)"\s*:/;
/** A type of JSON Schema, or of a security scheme of OpenAPI. */
const TYPED = /"type"\s*:\s*"(?:string|object|array|number|integer|boolean|apiKey|http|oauth2|openIdConnect|password)"/;
/** Rules for a value: `{ "required": true, "minLength": 8 }`. */
const FLAGS =
  /^\{(?:\s*"(?:required|optional|nullable|unique|enabled|(?:min|max)\w*)"\s*:\s*(?:true|false|\d{1,3})\s*,?)+\s*\}$/;
const STRING = /"((?:[^"\\]|\\.)*)"/g;
const LONGEST_HARMLESS = 2000;

/** Whether what stands under the name of a secret holds none: it is empty, describes a type, or is a package of that name. */
export function isHarmlessObject(json: string): boolean {
  if (json.length > LONGEST_HARMLESS) return false;
  if (EMPTY_OBJECT.test(json) || FLAGS.test(json) || LOCKED.test(json)) return true;
  if (!TYPED.test(json)) return false;
  for (const [, string = ''] of json.matchAll(STRING)) {
    if (string.split(' ').some((word) => isSecretLike(word) && !isNoValue(word))) return false;
  }
  return true;
}
