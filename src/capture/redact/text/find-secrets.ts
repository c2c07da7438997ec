import { type Edit, inOrder, REDACTED } from '../edits.js';
import { findKeys, isPlain, MIN_KEY_LENGTH } from '../keys/find-keys.js';
import { endOf, isLetter } from '../keys/scan.js';
import { findPemBlocks, findSchemes } from '../keys/schemes.js';
import type { Policy } from '../policy.js';
import { findUrlSecrets, isUrlWithSecret } from '../urls.js';
import { findBeforeAt } from './by-place/addresses.js';
import { findInCalls } from './by-place/calls.js';
import { findEncodedJson } from './encoded.js';
import { findMarked } from './marked-values.js';
import { findNamed } from './named-values.js';
import { findUnseparated } from './unseparated.js';

/** `Basic YTo=` */
const SHORTEST_WITH_SCHEME = 10;

const NOTHING: readonly Edit[] = [];

/**
 * Finds every secret in a text, by shape and by the name before it. The edits are in order and don't overlap. `urlDepth` is the number of
 * URLs that the text stands in.
 */
export function findSecrets(text: string, policy: Policy, urlDepth = 0): readonly Edit[] {
  if (isPlain(text, 0, text.length) && policy.patterns.length === 0) return NOTHING;
  const edits: Edit[] = [];
  const encodedAt = findPlainSecrets(text, policy, urlDepth, edits);
  if (encodedAt) findEncodedJson(text, encodedAt, (decoded) => holdsPlainSecret(decoded, policy, urlDepth), edits);
  return inOrder(edits);
}

function holdsPlainSecret(text: string, policy: Policy, urlDepth: number): boolean {
  const edits: Edit[] = [];
  findPlainSecrets(text, policy, urlDepth, edits);
  return edits.length > 0;
}

/** Finds all but what is encoded in base64, which is decoded only once. Returns where that may begin. */
function findPlainSecrets(
  text: string,
  policy: Policy,
  urlDepth: number,
  edits: Edit[],
): readonly number[] | undefined {
  const encodedAt = text.length >= MIN_KEY_LENGTH ? findKeys(text, edits) : undefined;
  // `BEGIN`, `Bearer`, `Basic`: most texts have no capital B.
  if (text.length >= SHORTEST_WITH_SCHEME && text.indexOf('B') !== -1) {
    findPemBlocks(text, edits);
    findSchemes(text, edits);
  }
  findNamed(text, policy, urlDepth, findInUrl, edits);
  findMarked(text, policy, edits);
  findUnseparated(text, policy, edits);
  findInCalls(text, policy, edits);
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) findBeforeAt(text, at, edits);
  findPatterns(text, policy, edits);
  return encodedAt;
}

/** Adds edits for what the application's own patterns match. */
export function findPatterns(text: string, policy: Policy, edits: Edit[]): void {
  for (const pattern of policy.patterns) {
    for (const match of text.matchAll(pattern)) {
      if (match[0] !== '') edits.push({ start: match.index, end: match.index + match[0].length, text: REDACTED });
    }
  }
}

/** Finds every secret in a text that was cut off at its end. Its last word is dropped: it may be half of a secret, which has no shape. */
export function findSecretsInCut(text: string, policy: Policy): readonly Edit[] {
  const start = startOfLastWord(text);
  const edits = findSecrets(text, policy);
  return start === text.length ? edits : inOrder([...edits, { start, end: text.length, text: '' }]);
}

/** Secrets are visible ASCII: a text in Chinese has no blanks, but its last word is short all the same. */
function startOfLastWord(text: string): number {
  let start = text.length;
  while (start > 0) {
    const code = text.charCodeAt(start - 1);
    if (code <= 32 || code >= 127) break;
    start--;
  }
  return start;
}

/** Adds edits for the secrets of a URL in `url`. */
export function findInWholeUrl(url: string, policy: Policy): Edit[] {
  const edits: Edit[] = [];
  findUrlSecrets(url, 0, url.length, policy, findSecrets, 0, edits);
  return edits;
}

const SLASH = 47;
const BACKSLASH = 92;
const LONGEST_SCHEME = 20;
const URL_REST = /:\/\/[^\s"'`<>\\]*/y;
const ESCAPED_URL_REST = /:\\\/\\\/(?:[^\s"'`<>\\]|\\\/)*/y;

/** Returns where the URL that has its scheme before `colon` ends; `undefined` if there is none. */
function findInUrl(text: string, colon: number, policy: Policy, urlDepth: number, edits: Edit[]): number | undefined {
  const after = text.charCodeAt(colon + 1);
  if (after === BACKSLASH) return findInEscapedUrl(text, colon, policy, urlDepth, edits);
  const end = after === SLASH ? endOf(URL_REST, text, colon) : colon;
  if (end === colon) return undefined;
  findUrlSecrets(text, schemeStart(text, colon), end, policy, findSecrets, urlDepth, edits);
  return end;
}

/** `https:\/\/…`, as JSON in a text may have it, is replaced as a whole if there is a secret in it. */
function findInEscapedUrl(
  text: string,
  colon: number,
  policy: Policy,
  urlDepth: number,
  edits: Edit[],
): number | undefined {
  const end = endOf(ESCAPED_URL_REST, text, colon);
  if (end === colon) return undefined;
  const start = schemeStart(text, colon);
  const url = text.slice(start, end).replaceAll('\\/', '/');
  if (isUrlWithSecret(url, policy, findSecrets, urlDepth)) edits.push({ start, end, text: REDACTED });
  return end;
}

/** Where the scheme before a colon begins: letters, digits, `+`, `.` and `-`, of which the first is a letter. */
function schemeStart(text: string, colon: number): number {
  const floor = Math.max(0, colon - LONGEST_SCHEME);
  let start = colon + 1;
  for (let at = colon - 1; at >= floor; at--) {
    const code = text.charCodeAt(at);
    if (isLetter(code)) start = at;
    else if (!isInScheme(code)) break;
  }
  return start;
}

/** `0`–`9`, `+`, `-`, `.` */
function isInScheme(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46;
}
