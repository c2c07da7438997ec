import { stringEnd } from '../../../util/json-text.js';
import { applyEdits, type Edit } from '../edits.js';
import type { Policy } from '../policy.js';
import { findSecrets, findSecretsInCut } from '../text/find-secrets.js';
import { type DeltaSink, JsonScan } from './json-scanner.js';

/**
 * Scans JSON, and redacts its strings as texts. With `deltas`, the JSON is an event of a stream, and its deltas are left to them.
 */
export function scanJson(text: string, policy: Policy, deltas?: DeltaSink): JsonScan {
  return new JsonScan(text, { policy, redactString, redactCutString }, deltas);
}

/**
 * Redacts the JSON text of a value and leaves everything else in it as it is: numbers of any length, white space, double keys.
 * `undefined` if it is no JSON.
 */
export function redactJson(text: string, policy: Policy): string | undefined {
  return scanJson(text, policy).render(false)?.text;
}

/** Redacts a text, which may be JSON or hold JSON (`400 {"error":…}`); `name` is the name of the value. */
export function redactString(value: string, name: string | undefined, policy: Policy): string {
  if (looksLikeJson(value)) {
    const redacted = redactJson(value, policy);
    if (redacted !== undefined) return redacted;
  }
  const edits = findSecrets(value, policy);
  const redacted = applyEdits(value, withJson(value, edits, policy));
  return policy.ask ? policy.ask(redacted, name) : redacted;
}

const JSON_BEGINNING = /\{\s*"|\[\s*[[{"]/g;
/** Each may be read to the end of the text, so their number is bounded. */
const MAX_WITHOUT_JSON = 4;

/** The edits of a text, where those of the JSON in it are made as JSON tells: it says which name belongs to which value. */
function withJson(value: string, edits: readonly Edit[], policy: Policy): readonly Edit[] {
  const first = firstBracket(value);
  if (first === -1) return edits;
  const beginning = new RegExp(JSON_BEGINNING);
  beginning.lastIndex = first;
  const all: Edit[] = [];
  let next = 0;
  let withoutJson = 0;
  for (let match = beginning.exec(value); match && withoutJson < MAX_WITHOUT_JSON; match = beginning.exec(value)) {
    const start = match.index;
    const end = endOfJson(value, start);
    const json = end === undefined ? undefined : value.slice(start, end);
    const text = json && redactJson(json, policy);
    if (end === undefined || text === undefined) {
      withoutJson++;
      continue;
    }
    beginning.lastIndex = end;
    while (next < edits.length && (edits[next] as Edit).end <= start) all.push(edits[next++] as Edit);
    let after = next;
    while (after < edits.length && (edits[after] as Edit).start < end) after++;
    // What is a secret with something around it is not read as JSON: `{"credentials":[{"token":"…"}]`.
    const isInside = after === next || ((edits[next] as Edit).start > start && (edits[after - 1] as Edit).end <= end);
    if (!isInside) continue;
    next = after;
    if (text !== json) all.push({ start, end, text });
  }
  return next === 0 && all.length === 0 ? edits : [...all, ...edits.slice(next)];
}

/** Most texts have none, which takes an expression longer to find out. */
function firstBracket(text: string): number {
  const object = text.indexOf('{');
  const array = text.indexOf('[');
  return object === -1 || (array !== -1 && array < object) ? array : object;
}

const NEXT_BRACKET = /["{}[\]]/g;

/** After the bracket that closes the one at `start`, if there is one. Brackets in strings do not count. */
function endOfJson(text: string, start: number): number | undefined {
  const bracket = new RegExp(NEXT_BRACKET);
  bracket.lastIndex = start;
  let depth = 0;
  for (let match = bracket.exec(text); match; match = bracket.exec(text)) {
    if (match[0] === '"') {
      const end = stringEnd(text, match.index);
      if (end === -1) return undefined;
      bracket.lastIndex = end;
    } else if (match[0] === '{' || match[0] === '[') depth++;
    else if (--depth === 0) return match.index + 1;
  }
  return undefined;
}

/** The same for a text that was cut off at its end. */
export function redactCutString(value: string, name: string | undefined, policy: Policy): string {
  if (/^\s*[{[]/.test(value)) {
    const redacted = scanJson(value, policy).render(true)?.text;
    if (redacted !== undefined) return redacted;
  }
  const redacted = applyEdits(value, withJson(value, findSecretsInCut(value, policy), policy));
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

function isWhiteSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
