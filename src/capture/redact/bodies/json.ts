import { applyEdits } from '../edits.js';
import type { Policy } from '../policy.js';
import { findSecrets, findSecretsInCut } from '../text/find-secrets.js';
import { type DeltaSink, JsonScan } from './json-scanner.js';

/**
 * Scans JSON, and redacts its strings as texts. With `deltas`, the JSON is an event of a stream, and its deltas are left to them.
 */
export function scanJson(text: string, policy: Policy, deltas?: DeltaSink): JsonScan {
  return new JsonScan(text, { policy, redactString: redactJsonString, redactCutString }, deltas);
}

/**
 * Redacts the JSON text of a value and leaves everything else in it as it is: numbers of any length, white space, double keys.
 * `undefined` if it is no JSON.
 */
export function redactJson(text: string, policy: Policy): string | undefined {
  return scanJson(text, policy).render(false)?.text;
}

/** Redacts a string of JSON. The application's own function is asked each time, because it may say something else for another name. */
function redactJsonString(value: string, name: string | undefined, policy: Policy): string {
  if (policy.ask) return redactString(value, name, policy);
  return policy.clean.redact(value, (text) => redactString(text, name, policy));
}

/** Redacts a text, which may be JSON or end with JSON (`400 {"error":…}`); `name` is the name of the value. */
export function redactString(value: string, name: string | undefined, policy: Policy): string {
  if (looksLikeJson(value)) {
    const redacted = redactJson(value, policy);
    if (redacted !== undefined) return redacted;
  }
  const last = value.charCodeAt(value.length - 1);
  if (last === CLOSE_OBJECT || last === CLOSE_ARRAY) {
    for (const start of startsOfJson(value)) {
      const redacted = redactJson(value.slice(start), policy);
      if (redacted === undefined) continue;
      // A cut text may end with JSON that is a part of a secret: `{"credentials":[{"token":"…"}`.
      if (findSecrets(value, policy).some((edit) => edit.start <= start && start < edit.end)) break;
      return redactString(value.slice(0, start), name, policy) + redacted;
    }
  }
  const redacted = applyEdits(value, findSecrets(value, policy));
  return policy.ask ? policy.ask(redacted, name) : redacted;
}

/** The same for a text that was cut off at its end. */
export function redactCutString(value: string, name: string | undefined, policy: Policy): string {
  if (/^\s*[{[]/.test(value)) {
    const redacted = scanJson(value, policy).render(true)?.text;
    if (redacted !== undefined) return redacted;
  }
  const redacted = applyEdits(value, findSecretsInCut(value, policy));
  return policy.ask ? policy.ask(redacted, name) : redacted;
}

const QUOTE = 34;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Whether a text may be JSON with structure in it, or a JSON string. */
function looksLikeJson(text: string): boolean {
  let start = 0;
  let end = text.length - 1;
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start++;
  while (start < end && isWhiteSpace(text.charCodeAt(end))) end--;
  if (end - start < 1) return false;
  const first = text.charCodeAt(start);
  const last = text.charCodeAt(end);
  return (
    (first === OPEN_OBJECT && last === CLOSE_OBJECT) ||
    (first === OPEN_ARRAY && last === CLOSE_ARRAY) ||
    (first === QUOTE && last === QUOTE)
  );
}

const JSON_BEGINNING = /\{\s*"|\[\s*[[{"]/g;
/** Each is read to the end of the text, so their number is bounded. */
const MAX_BEGINNINGS = 4;

/** The places in a text where JSON may begin. */
function* startsOfJson(text: string): Iterable<number> {
  let count = 0;
  for (const { index } of text.matchAll(JSON_BEGINNING)) {
    if (index > 0) yield index;
    if (++count === MAX_BEGINNINGS) return;
  }
}

function isWhiteSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
