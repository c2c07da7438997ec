import { byteLength } from '../../util/byte-length.js';
import { report } from '../../util/diagnostics.js';
import { badOption, requireFunction, requireObject } from '../../util/validation.js';
import { redactBody } from './bodies/body.js';
import { redactJson, redactString } from './bodies/json.js';
import { JsonScan } from './bodies/json-scanner.js';
import { applyEdits, inOrder, REDACTED } from './edits.js';
import { isUrlHeader } from './headers.js';
import { findKeys } from './keys/find-keys.js';
import { looksRandom } from './keys/randomness.js';
import { PLAIN, SUSPECT } from './names.js';
import { createPolicy, type Policy } from './policy.js';
import { findPatterns, findSecrets } from './text.js';
import { bound } from './truncation.js';
import { findUrlSecrets } from './urls.js';

/**
 * Additions to what is always redacted: whatever has a name that says it is a secret (`authorization`, `api_key`, `password`), and
 * whatever has the shape of a known key, JSON Web Token, PEM block, or credentials in a URL or a connection string.
 *
 * What neither a name before it nor its shape shows to be a secret is not known to be one ("the password is hunter2"): that is what
 * these are for.
 */
export interface RedactOptions {
  /** Names of headers, query keys, JSON keys and form fields whose values are replaced; case and `-`/`_` do not matter. */
  names?: readonly string[];
  /** Patterns whose matches are replaced in every text. The global flag is not needed. */
  patterns?: readonly RegExp[];
  /**
   * Asked last, for every text that is about to be kept: the value of a header, an attribute, a form field, each string in JSON (all
   * of them with their name), a URL and any other text. Returns what to keep.
   * If it throws or returns something else than a string, the value is replaced.
   */
  redact?: (value: string, name: string | undefined) => string;
}

/** A text that was kept, and how many bytes of it were not. */
export interface Bounded {
  text: string;
  /** Bytes of UTF-8 after the beginning that was kept; what was replaced in it doesn't count. */
  truncatedBytes: number;
}

/** Removes secrets from whatever is about to be recorded. No method throws; what cannot be judged is not kept. */
export interface Redactor {
  /** The value of a header. */
  header(name: string, value: string): string;
  /** A URL, whole or relative; user info, query values and path segments that look like keys are replaced. */
  url(url: string): string;
  /** Free text: error messages, stack traces. */
  text(text: string): string;
  /** A JSON value (a copy): by name and by shape, at any depth, inside strings that are JSON again. */
  json(value: unknown): unknown;
  /** The JSON text of a redacted value in at most `maxBytes`, valid JSON after truncation. */
  jsonText(value: unknown, maxBytes: number): Bounded;
  /** The value of an attribute. */
  attribute(name: string, value: string): string;
  /** A name that is kept itself, of an attribute or a header: replaced if there is a secret in it. */
  name(name: string): string;
  /**
   * A body by its content type (JSON, SSE, NDJSON, form, multipart, text), redacted, then cut to `maxBytes` UTF-8 bytes with JSON
   * kept valid and text well formed. `text` is its beginning where it is longer than what was kept of it; `totalBytes`
   * is the size of all of it, or of what came before it broke off. `undefined` if it can't be parsed as what it says it is: it is not kept.
   *
   * What the model's stream spells over several events is searched as a whole. Where the beginning ends, its last word is dropped:
   * it may be half of a secret.
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
 * What is replaced becomes `REDACTED`, the word that the conventions ask for in `url.full`, everywhere.
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
    text: (text) => safely(REDACTED, () => redactString(text, undefined, policy)),
    attribute: (name, value) => safely(REDACTED, () => redactAttribute(name, value, policy)),
    name: (name) => safely(REDACTED, () => (findSecrets(name, policy).length > 0 ? REDACTED : name)),
    json: (value) => safely<unknown>(REDACTED, () => redactValue(value, policy)),
    jsonText: (value, maxBytes) => safely(NOT_JSON, () => boundValue(value, Math.floor(maxBytes), policy)),
    body: (text, contentType, maxBytes, totalBytes, broke = false) =>
      safely(undefined, () => boundBody(text, contentType, Math.floor(maxBytes), totalBytes, broke, policy)),
  };
}

/** What is kept of a value that JSON cannot say: a cycle, a bigint. */
const NOT_JSON: Bounded = { text: `"${REDACTED}"`, truncatedBytes: 0 };

const OPTIONS = ['names', 'patterns', 'redact'];

function checkOptions(options: RedactOptions): void {
  const given = requireObject(options, 'redact');
  for (const name in given) {
    if (!OPTIONS.includes(name)) throw badOption('redact', `an object of ${OPTIONS.join(', ')}`, name);
  }
  const { names, patterns, redact } = given;
  checkList(
    names,
    'redact.names',
    'a list of strings that are not empty',
    (name) => typeof name === 'string' && name !== '',
  );
  checkList(patterns, 'redact.patterns', 'a list of regular expressions', (pattern) => pattern instanceof RegExp);
  if (redact !== undefined) requireFunction(redact, 'redact.redact');
}

function checkList(value: unknown, option: string, wants: string, isRight: (item: unknown) => boolean): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw badOption(option, wants, value);
  const wrong = value.findIndex((item) => !isRight(item));
  if (wrong !== -1) throw badOption(`${option}[${wrong}]`, wants, value[wrong]);
}

/** Nothing that goes wrong in here may reach the application, and what could not be judged is not kept. */
function safely<T>(otherwise: T, fn: () => T): T {
  try {
    return fn();
  } catch {
    try {
      // The error may quote the value, so it is not passed on.
      report('a value could not be redacted; it was not kept');
    } catch {
      // The application's own diag logger threw. There is nobody left to tell.
    }
    return otherwise;
  }
}

function redactHeader(name: string, value: string, policy: Policy): string {
  if (policy.kind(name) !== PLAIN) return REDACTED;
  return isUrlHeader(name) ? redactUrl(value, policy) : redactString(value, name, policy);
}

function redactUrl(url: string, policy: Policy): string {
  const edits = findUrlSecrets(url, policy);
  findKeys(url, edits);
  findPatterns(url, policy, edits);
  const redacted = applyEdits(url, inOrder(edits));
  return policy.ask ? policy.ask(redacted, undefined) : redacted;
}

function redactAttribute(name: string, value: string, policy: Policy): string {
  const kind = policy.kind(name);
  if (kind > SUSPECT || (kind === SUSPECT && looksRandom(value))) return REDACTED;
  return redactString(value, name, policy);
}

function redactValue(value: unknown, policy: Policy): unknown {
  const json = JSON.stringify(value);
  if (json === undefined) return undefined;
  const redacted = redactJson(json, policy);
  return redacted === undefined ? REDACTED : JSON.parse(redacted);
}

function boundValue(value: unknown, maxBytes: number, policy: Policy): Bounded {
  const json = JSON.stringify(value);
  const redacted = json === undefined ? undefined : new JsonScan(json, policy).render(false);
  if (!redacted) return NOT_JSON;
  return bound([{ head: '', body: redacted.text, tail: '', jsonDepth: redacted.depth }], maxBytes);
}

function boundBody(
  text: string,
  contentType: string | undefined,
  maxBytes: number,
  totalBytes: number,
  broke: boolean,
  policy: Policy,
): Bounded | undefined {
  // No text has fewer bytes than characters, so mostly there is no need to count.
  const missing = totalBytes <= text.length ? 0 : Math.max(0, totalBytes - byteLength(text));
  const body = redactBody(text, contentType, policy, broke || missing > 0);
  if (!body) return undefined;
  const bounded = bound(body.pieces, maxBytes);
  const unread = body.unread > 0 ? byteLength(text.slice(-body.unread)) : 0;
  return { text: bounded.text, truncatedBytes: missing + unread + bounded.truncatedBytes };
}
