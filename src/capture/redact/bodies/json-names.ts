/** Names that say that a value in JSON is a secret: its key, or a name that stands beside it, as in `{"name":"authorization","value":"…"}`. */
import { type Edit, REDACTED } from '../edits.js';
import { looksRandom } from '../keys/randomness.js';
import { readsAsWords } from '../keys/words.js';
import { type NameKind, PLAIN, SUSPECT, TOKEN } from '../names.js';
import type { Policy } from '../policy.js';
import { isHarmlessValue } from '../text/harmless.js';
import { isTextToken } from '../text/text-token.js';
import { type Frame, PAIR_KEYS, SCHEMA_WORDS } from './json-frame.js';
import { decodeString, LONGEST_NAME_LITERAL } from './json-strings.js';

const REDACTED_STRING = `"${REDACTED}"`;

/** Replaces the text between two places by one redacted string. */
export function hiddenString(start: number, end: number): Edit {
  return { start, end, text: REDACTED_STRING };
}

/**
 * Whether the names in `frame` say that the string between two quotes is a secret. If the string is a name itself, the frame stores what the
 * name says. A value that came before that name is added to `edits`.
 */
export function isSecretByName(
  text: string,
  start: number,
  end: number,
  frame: Frame,
  policy: Policy,
  edits: Edit[],
): boolean {
  if (frame.kind >= TOKEN) return isSecretValue(text, start, end, frame);
  if (frame.schema === 'secret' && !SCHEMA_WORDS.has(frame.key)) return true;
  if (frame.isArray) {
    if (!frame.hasPairs) return followsSecretOption(text, start, end, frame, policy);
    if (frame.index % 2 === 1) return isValueOf(frame.valueKind, text, start, end);
    frame.valueKind = kindOfName(text, start, end, policy);
    return false;
  }
  const place = PAIR_KEYS.get(frame.key);
  if (place === 'value') {
    if (!frame.isNamed) frame.unnamed = { start, end };
    return isValueOf(frame.valueKind, text, start, end);
  }
  if (place === 'name' && end < text.length) {
    const { unnamed } = frame;
    frame.valueKind = kindOfName(text, start, end, policy);
    frame.isNamed = true;
    if (unnamed && isValueOf(frame.valueKind, text, unnamed.start, unnamed.end))
      edits.push(hiddenString(unnamed.start, unnamed.end));
    frame.unnamed = undefined;
  }
  return false;
}

const HYPHEN = 45;

/** `["mysql", "--password", "x"]`: in a list of arguments, the one behind an option that names a secret. */
function followsSecretOption(text: string, start: number, end: number, frame: Frame, policy: Policy): boolean {
  const isOption = text.charCodeAt(start + 1) === HYPHEN;
  const follows = frame.valueKind > SUSPECT && !isOption;
  frame.valueKind = isOption ? kindOfName(text, start, end, policy) : PLAIN;
  return follows && !isHarmlessValue(decodeString(text, start, end) ?? '');
}

/** `{"authorization":"required","cookies":"accepted"}` */
const STATE_NAME = /^(?:authorization|cookies?)$/i;
const STATE = /^[a-z]{4,12}$/;

/** Judges the value of a name that says it is a secret. */
function isSecretValue(text: string, start: number, end: number, frame: Frame): boolean {
  const value = decodeString(text, start, end);
  if (value === undefined) return true;
  if (isHarmlessValue(value) || (STATE_NAME.test(frame.key) && STATE.test(value) && readsAsWords(value))) return false;
  return frame.kind !== TOKEN || frame.isArray || !isTextToken(text, start, value);
}

function kindOfName(text: string, start: number, end: number, policy: Policy): NameKind {
  return end - start <= LONGEST_NAME_LITERAL ? policy.kind(decodeString(text, start, end) ?? '') : PLAIN;
}

/** Whether a value, whose name says `kind`, is a secret. */
function isValueOf(kind: NameKind, text: string, start: number, end: number): boolean {
  return kind > SUSPECT || (kind === SUSPECT && looksRandom(decodeString(text, start, end) ?? ''));
}
