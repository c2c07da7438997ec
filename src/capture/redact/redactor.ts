import { byteLength } from '../../util/byte-length.js';
import { report } from '../../util/diagnostics.js';
import { badOption, badUnquoted, requireFunction, requireOptions } from '../../util/validation.js';
import { beginningOfJson, beginningOfText } from './beginning.js';
import { redactBody } from './bodies/body.js';
import { redactCutString, redactJson, redactString, scanJson } from './bodies/json.js';
import { applyEdits, inOrder, REDACTED } from './edits.js';
import { isUrlHeader } from './headers.js';
import { findKeys } from './keys/find-keys.js';
import { looksRandom } from './keys/randomness.js';
import { PLAIN, SUSPECT } from './names.js';
import { createPolicy, type Policy, type RedactOptions } from './policy.js';
import { findInWholeUrl, findPatterns, findSecrets } from './text/find-secrets.js';
import { type Bounded, bound } from './truncation.js';

export type { RedactOptions } from './policy.js';
export type { Bounded } from './truncation.js';

/** Removes secrets from values before they are recorded. No method throws. A value that can't be judged is replaced. */
export interface Redactor {
  /** The value of a header. */
  header(name: string, value: string): string;
  /** A URL, whole or relative; user info, query values and path segments that look like keys are replaced. */
  url(url: string): string;
  /** Free text: error messages, stack traces. Of a long one the beginning, some more than 64 KiB. */
  text(text: string): string;
  /** A JSON value (a copy): by name and by shape, at any depth, inside strings that are JSON again. */
  json(value: unknown): unknown;
  /**
   * The JSON text of a redacted value in at most `maxBytes`, valid JSON after truncation. Of a long value only the beginning is read, and
   * `truncatedBytes` counts what was read.
   */
  jsonText(value: unknown, maxBytes: number): Bounded;
  /** The value of an attribute. */
  attribute(name: string, value: string): string;
  /** The name of an attribute or a header: replaced if there is a secret in it. */
  name(name: string): string;
  /**
   * A body by its content type (JSON, SSE, NDJSON, form, multipart, text), redacted, then cut to `maxBytes` UTF-8 bytes with JSON
   * kept valid and text well formed. `text` is the part that was read, from the beginning of the body; `totalBytes` is the size of the
   * whole body, or of what arrived before it broke off. `undefined` if the body can't be parsed as its content type says.
   *
   * A text that a stream sends as deltas is searched as a whole. If the body is cut, its last word is dropped: it may be half of a secret.
   */
  body(
    text: string,
    contentType: string | undefined,
    maxBytes: number,
    totalBytes: number,
    broke?: boolean,
  ): Bounded | undefined;
}

/**
 * Makes a redactor from additions to the built-in rules.
 *
 * A secret becomes `REDACTED`, the word that the semantic conventions require in `url.full`.
 *
 * @throws TypeError if an option is unknown or not what it should be.
 * @example
 * createRedactor({ names: ['patient_id'], patterns: [/\b\d{3}-\d{2}-\d{4}\b/] }).header('Patient-Id', '17'); // 'REDACTED'
 */
export function createRedactor(options: RedactOptions = {}): Redactor {
  checkOptions(options);
  const policy = createPolicy(options);
  return {
    header: (name, value) => safely(REDACTED, () => redactHeader(name, value, policy)),
    url: (url) => safely(REDACTED, () => redactUrl(url, policy)),
    text: (text) => safely(REDACTED, () => redactText(text, undefined, policy)),
    attribute: (name, value) => safely(REDACTED, () => redactAttribute(name, value, policy)),
    name: (name) => safely(REDACTED, () => (findSecrets(name, policy).length > 0 ? REDACTED : name)),
    json: (value) => safely<unknown>(REDACTED, () => redactValue(value, policy)),
    jsonText: (value, maxBytes) => safely(NOT_JSON, () => boundValue(value, Math.floor(maxBytes), policy)),
    body: (text, contentType, maxBytes, totalBytes, broke = false) =>
      safely(undefined, () => boundBody(text, contentType, Math.floor(maxBytes), totalBytes, broke, policy)),
  };
}

/** Recorded for a value that JSON can't represent: a cycle, a bigint. */
const NOT_JSON: Bounded = { text: `"${REDACTED}"`, truncatedBytes: 0 };

const OPTIONS = ['names', 'patterns', 'redact'];

function checkOptions(options: RedactOptions): void {
  const { names, patterns, redact } = requireOptions(options, 'redact', OPTIONS);
  checkList(names, 'redact.names', 'a string that is not empty', (name) => typeof name === 'string' && name !== '');
  checkList(patterns, 'redact.patterns', 'a regular expression', (pattern) => pattern instanceof RegExp);
  if (redact !== undefined) requireFunction(redact, 'redact.redact');
}

function checkList(value: unknown, option: string, wants: string, isRight: (item: unknown) => boolean): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw badOption(option, 'an array', value);
  const wrong = value.findIndex((item) => !isRight(item));
  if (wrong === -1) return;
  const item = value[wrong];
  // A text in the wrong place here is likely to be the secret itself.
  const isText = typeof item === 'string' && item !== '';
  throw isText ? badUnquoted(`${option}[${wrong}]`, wants, 'a text') : badOption(`${option}[${wrong}]`, wants, item);
}

/** An error in here must not reach the application. The value that caused it is replaced. */
function safely<T>(otherwise: T, fn: () => T): T {
  try {
    return fn();
  } catch {
    try {
      // The error may quote the value, so it is not reported.
      report('a value could not be redacted; it was replaced');
    } catch {
      // The application's diag logger threw.
    }
    return otherwise;
  }
}

function redactHeader(name: string, value: string, policy: Policy): string {
  if (policy.kind(name) !== PLAIN) return REDACTED;
  return isUrlHeader(name) ? redactUrl(value, policy) : redactText(value, name, policy);
}

function redactUrl(url: string, policy: Policy): string {
  const edits = findInWholeUrl(url, policy);
  findKeys(url, edits);
  findPatterns(url, policy, edits);
  const redacted = applyEdits(url, inOrder(edits));
  return policy.ask ? policy.ask(redacted, undefined) : redacted;
}

function redactAttribute(name: string, value: string, policy: Policy): string {
  const kind = policy.kind(name);
  if (kind > SUSPECT || (kind === SUSPECT && looksRandom(value))) return REDACTED;
  return redactText(value, name, policy);
}

/** Kept of a text that is neither a body nor content: an attribute, an error's message, a stack trace. In bytes of UTF-8. */
export const MAX_TEXT_BYTES = 65_536;

function redactText(text: string, name: string | undefined, policy: Policy): string {
  const beginning = beginningOfText(text, MAX_TEXT_BYTES);
  return beginning === text ? redactString(text, name, policy) : redactCutString(beginning, name, policy);
}

function redactValue(value: unknown, policy: Policy): unknown {
  const json = JSON.stringify(value);
  if (json === undefined) return undefined;
  const redacted = redactJson(json, policy);
  return redacted === undefined ? REDACTED : JSON.parse(redacted);
}

function boundValue(value: unknown, maxBytes: number, policy: Policy): Bounded {
  const beginning = beginningOfJson(value, maxBytes);
  const redacted = beginning && scanJson(beginning.json, policy).render(beginning.isCut);
  if (!redacted) return NOT_JSON;
  const bounded = bound([{ head: '', body: redacted.text, tail: '', jsonDepth: redacted.depth }], maxBytes);
  return beginning.isCut ? { ...bounded, truncatedBytes: Math.max(1, bounded.truncatedBytes) } : bounded;
}

function boundBody(
  text: string,
  contentType: string | undefined,
  maxBytes: number,
  totalBytes: number,
  broke: boolean,
  policy: Policy,
): Bounded | undefined {
  const read = beginningOfText(text, maxBytes);
  const all = Math.max(totalBytes, text.length);
  // No text has fewer bytes than characters, so most bodies need no count.
  const missing = all <= read.length ? 0 : Math.max(0, all - byteLength(read));
  const body = redactBody(read, contentType, policy, broke || missing > 0);
  if (!body) return undefined;
  const bounded = bound(body.pieces, maxBytes);
  const unread = body.unread > 0 ? byteLength(read.slice(-body.unread)) : 0;
  return { text: bounded.text, truncatedBytes: missing + unread + bounded.truncatedBytes };
}
