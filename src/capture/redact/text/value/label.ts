/** Values behind a label, as prose, tables and lists write them: several words may be one value. */
import { isExpression } from '../code.js';
import { isDescription } from '../harmless.js';
import type { Name } from '../name.js';
import { expressionOfKinds, isSecretLike } from '../words.js';

const LABEL_START = /(?:^|[\n\r|>])[ \t\-*_#>•"'`(|]{0,12}$/;
/** Also `Wifi password: x y z`, `seed phrase: x y z`, `Error: password: x y z`. */
const LONG_LABEL_START = /* @__PURE__ */ expressionOfKinds(
  (_, kinds) =>
    String.raw`(?:^|[\n\r|>\]]|: )[ \t\-*_#>•"'\x60(|]{0,12}(?:[A-Z][\w'’-]{0,15} ){0,2}(?:(?:${kinds}) )?$`,
);
const REST_OF_LABEL = /[^\r\n|;,<>#"'`\\=:{}()[\]&]*/y;
const LONGEST_LABEL_BEFORE = 48;

/** Where the text after a label ends, if the name is one: at the beginning of a line or a cell, and more words follow its value. */
export function restOfLabel(text: string, name: Name, end: number, labelStart = LABEL_START): number | undefined {
  if (!isWordNext(text, end)) return undefined;
  if (!labelStart.test(text.slice(Math.max(0, name.start - LONGEST_LABEL_BEFORE), name.start))) return undefined;
  REST_OF_LABEL.lastIndex = end;
  const rest = end + (REST_OF_LABEL.exec(text)?.[0].trimEnd().length ?? 0);
  return rest > end ? rest : undefined;
}

/** The words of a wallet's recovery phrase are up to 24. */
const PHRASE = /^[\w'’!?.-]+(?: [\w'’!?.-]+){1,23}$/;
const LONGEST_PHRASE = 240;

/** Whether a text may be a passphrase: a few words, each of letters, digits and hyphens. */
export function isPhrase(text: string): boolean {
  return text.length <= LONGEST_PHRASE && PHRASE.test(text);
}

/** Whether a text is a passphrase of at least so many words: no description of one, and no code. */
export function isPassphrase(text: string, leastWords: number): boolean {
  return isPhrase(text) && text.split(' ').length >= leastWords && !isDescription(text) && !isExpression(text);
}

const LEAST_WORDS = 3;

/** Where the passphrase after a label ends, if there is one. Behind a word that is a secret by itself something else is said. */
export function endOfPassphrase(text: string, name: Name, start: number, end: number): number | undefined {
  if (isSecretLike(text.slice(start, end))) return undefined;
  const rest = restOfLabel(text, name, end, LONG_LABEL_START);
  return rest !== undefined && isPassphrase(text.slice(start, rest), LEAST_WORDS) ? rest : undefined;
}

const WORD_NEXT = /^ [A-Za-z0-9(`'"[]/;

/** Whether another word follows a value. */
export function isWordNext(text: string, end: number): boolean {
  return WORD_NEXT.test(text.slice(end, end + 3));
}
