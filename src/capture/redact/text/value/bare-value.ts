import { endOf } from '../../keys/scan.js';
import { SUSPECT } from '../../names.js';
import type { Policy } from '../../policy.js';
import { isExpression, isIdentifier, isPath } from '../code.js';
import { isDescription, isHarmlessValue, isNoValue, isPlaceholder, isTemplate } from '../harmless.js';
import type { JudgedPlace, Name } from '../name.js';
import { isSecretLike } from '../words.js';
import { endOfPassphrase, isPhrase, isWordNext, restOfLabel } from './label.js';

/** Where a value stands. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

/** `Server=db;Password=correct horse;Database=x`: a value ends at the semicolon only. */
const CONNECTION_VALUE = /\{[^}]*\}?|[^;"'`\r\n]+/y;
/**
 * Commas and closing brackets belong to a bare value where something follows them at once, `&` and `;` where no further key, character
 * of HTML, call or command follows.
 */
const BARE_VALUE =
  /(?![&;])(?:[^\s"'`&;,)\]}<>\\]+|[,)\]}](?![\s"'`,;.)\]}\\]|$)|(?:&(?!(?:[A-Za-z]{2,8}|#x?[\da-fA-F]{2,6});)|;)(?=[^\s&;"'`])(?!(?:amp;)?[\w.%[\]-]{1,40}[=:(])|\\(?!["'`]))+/y;
const SCHEME = /(?:bearer|basic|digest|token|apikey|negotiate)[ \t]+(?=\S)/iy;
/** A longer value is not judged but replaced. */
export const LONGEST_JUDGED = 300;

/** A text without quotes that stands where a value would. */
interface BareValue {
  readonly text: string;
  readonly name: Name;
  readonly separator: number;
  readonly start: number;
  readonly end: number;
  readonly value: string;
  /** Whether blanks stand behind the separator. */
  readonly isSpaced: boolean;
}

/** Finds the value that begins at `from` without quotes; `undefined` if it is none that could be a secret. */
export function findBareValue(
  text: string,
  separator: number,
  from: number,
  { name, kind, isAnnounced }: JudgedPlace,
  policy: Policy,
): Span | undefined {
  const isSpaced = from > separator + 1;
  const isInConnectionString = !isSpaced && (text[name.start - 1] === ';' || text.startsWith('; ', name.start - 2));
  const start = isInConnectionString ? from : endOf(SCHEME, text, from);
  const pattern = isInConnectionString || text[from] === '{' ? CONNECTION_VALUE : BARE_VALUE;
  const length = endOf(pattern, text.slice(start, start + LONGEST_JUDGED + 1), 0);
  // A long value is not judged but replaced: to judge it again for each name in it would make a text of names slow.
  if (length > LONGEST_JUDGED) return bare(start, endOf(pattern, text, start));
  const end = start + length;
  const value = text.slice(start, end);
  if (!value || isNoValue(value) || isSecretName(value, policy)) return undefined;
  if (isComparison(text, separator) && !isSecretLike(value)) return undefined;
  // Elsewhere the value is what the pattern found, and nothing else that a name may be followed by.
  const mayBeProse = kind !== SUSPECT && !isInConnectionString;
  const passphraseEnd = mayBeProse ? endOfPassphrase(text, name, start, end) : undefined;
  if (passphraseEnd !== undefined) return bare(start, passphraseEnd);
  if (isHarmless(text, value, start, end, isInConnectionString)) return undefined;
  if (!mayBeProse || isAnnounced) return bare(start, end);
  const found: BareValue = { text, name, separator, start, end, value, isSpaced };
  return isPartOfCode(found) ? undefined : inProse(found);
}

/** The place of a value without quotes. */
export function bare(start: number, end: number): Span {
  return { start, end, isQuoted: false };
}

/** `token == x` */
export function isComparison(text: string, separator: number): boolean {
  return text.startsWith('==', separator);
}

/** `secret: api_key: …`: what comes next is a name itself, and the value stands after that. */
function isSecretName(value: string, policy: Policy): boolean {
  return /^[\w.-]+[:=]$/.test(value) && policy.kindInText(value.slice(0, -1)) > SUSPECT;
}

const TEMPLATE_AT = /^(?:\$\{|\$\(|\{\{|\{%|<[%A-Za-z]|%\(|#\{|%[sdr](?:[\s;,)'"]|$))/;

function isHarmless(text: string, value: string, start: number, end: number, mayHoldBlanks: boolean): boolean {
  // A template is longer than a bare value, which ends at its bracket: `${{ secrets.X }}`.
  if (TEMPLATE_AT.test(text.slice(start, end + 3))) return true;
  if (isTemplate(value) || isPlaceholder(value) || isPath(value)) return true;
  // A password with blanks in a connection string may begin like an expression, or read like a sentence: `e.apu Bm9`, `ODU E!.!`.
  if (mayHoldBlanks && value.includes(' ')) return false;
  return isExpression(value) || isHarmlessValue(value);
}

const PLAIN_WORD = /^(?:[A-Za-z][a-z']+|[AI])$/;
const RESOURCE_BEFORE = /arn:aws[\w:/-]*$/;
const LONGEST_RESOURCE_BEFORE = 80;
/** `pass: actual === expected`, `onToken: token => {` */
const OPERATOR_NEXT = /^ (?:=>|[=!]==?|&&|\|\||[<>]=?|\?\??|[+*]) /;

/** Whether a value is a type, a key or a name of code: `token: AuthToken,`, `{ password: value }`, `Pass :meth:`, `passwd:gid`. */
function isPartOfCode({ text, name, separator, start, end, value, isSpaced }: BareValue): boolean {
  if (text[separator] === '=') return isSpaced && isIdentifier(value);
  if (/cookies?$/i.test(name.text) && !value.includes('=') && !isSecretLike(value)) return true;
  const before = text.slice(Math.max(0, name.start - LONGEST_RESOURCE_BEFORE), name.start);
  if (start === separator + 1) {
    // `label="Password" :rules="rules"`, `Pass :meth:`
    if (/[ \t]/.test(text.charAt(separator - 1))) return true;
    return !name.isQuoted && ((PLAIN_WORD.test(value) && !isSecretLike(value)) || RESOURCE_BEFORE.test(before));
  }
  if (!isIdentifier(value)) return false;
  const next = text.slice(end, end + 8);
  if (/\):?$/.test(value) || OPERATOR_NEXT.test(next)) return true;
  if (/^\s?[)}\],]/.test(next) && /[{(,]\s{0,11}$/.test(before)) return true;
  return /^[A-Z]|[a-z][A-Z]/.test(value) && /[a-z]/.test(value) && /^(?:[;,)}\]|?<]|\s*[={|]|\s*$)/.test(next);
}

/** A secret that may be the first word of more; `undefined` if the words describe one, or go on as a sentence. */
function inProse({ text, name, separator, start, end, value, isSpaced }: BareValue): Span | undefined {
  const rest = restOfLabel(text, name, end);
  if (rest === undefined) {
    const isSentence = isSpaced && text[separator] !== '=' && PLAIN_WORD.test(value) && isWordNext(text, end);
    return isSentence ? undefined : bare(start, end);
  }
  const all = text.slice(start, rest);
  if (isDescription(all)) return isSecretLike(value) ? bare(start, end) : undefined;
  return bare(start, isPhrase(all) ? rest : end);
}
