import { type Edit, REDACTED } from './edits.js';
import { MIN_KEY_LENGTH } from './keys/find-keys.js';
import { looksRandom } from './keys/randomness.js';
import { PLAIN } from './names.js';
import type { Policy } from './policy.js';
import { findSecrets } from './text.js';

const SCHEME = /^(?:[a-z][a-z0-9+.-]{0,30}:)?\/\//i;
const DATA_URL = /^data:[^,]*,/i;
const AUTHORITY_END = /[/?#\\]/g;
const PORT = /^\d*$/;

/** `hooks.slack.com/services/T…/B…/…`, `discord.com/api/webhooks/…`: whoever has such a path may post. */
const WEBHOOK = /\/(?:services|triggers|webhooks?|workflows)\//;
/** A name for a segment of a path: longer than ids are, letters and digits mixed. */
const LONG_TOKEN = /^(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[\w-]+$/;
const LONGER_THAN_IDS = 40;

/**
 * Finds what must not be kept of a URL, whole or relative: user info, secret values in query and fragment, path segments that
 * are keys. Keys of a query stay. `depth` is in how many other URLs this one is.
 *
 * Source: semantic-conventions v1.45, `url.full`; its list of query keys, and those that model providers use.
 */
export function findUrlSecrets(url: string, policy: Policy, depth = 0): Edit[] {
  const edits: Edit[] = [];
  const data = DATA_URL.exec(url);
  if (data) return [{ start: data[0].length, end: url.length, text: REDACTED }];
  const pathStart = findUserInfo(url, edits);
  const queryStart = indexOrEnd(url, '?', pathStart);
  const fragmentStart = indexOrEnd(url, '#', pathStart);
  const pathEnd = Math.min(queryStart, fragmentStart);
  findInPath(url, pathStart, pathEnd, policy, depth, edits);
  findInParameters(url, pathEnd + 1, policy, depth, edits);
  return edits;
}

/** Returns where the path begins. */
function findUserInfo(url: string, edits: Edit[]): number {
  const scheme = SCHEME.exec(url);
  if (!scheme) return 0;
  const start = scheme[0].length;
  AUTHORITY_END.lastIndex = start;
  const end = AUTHORITY_END.exec(url)?.index ?? url.length;
  let at = url.slice(start, end).lastIndexOf('@');
  if (at === -1) {
    // A password with a slash in it that was not escaped: what stands behind the colon is no port.
    const colon = url.slice(start, end).indexOf(':');
    if (colon > 0 && url[start] !== '[' && !PORT.test(url.slice(start + colon + 1, end))) {
      at = url.slice(start).lastIndexOf('@');
    }
  }
  if (at === -1) return end;
  edits.push({ start, end: start + at, text: `${REDACTED}:${REDACTED}` });
  AUTHORITY_END.lastIndex = start + at;
  return AUTHORITY_END.exec(url)?.index ?? url.length;
}

function findInPath(
  url: string,
  pathStart: number,
  pathEnd: number,
  policy: Policy,
  depth: number,
  edits: Edit[],
): void {
  const webhook = WEBHOOK.exec(url.slice(pathStart, pathEnd));
  const webhookStart = webhook ? pathStart + webhook.index + webhook[0].length : pathEnd;
  let before = '';
  for (let start = pathStart; start < pathEnd; ) {
    const end = Math.min(indexOrEnd(url, '/', start), pathEnd);
    const segment = url.slice(start, end);
    if (segment.length > 1) {
      if (segment.includes('=')) findInParameters(url.slice(0, end), start, policy, depth, edits);
      else if (isSecretSegment(segment, before, start >= webhookStart, policy, depth)) {
        edits.push({ start, end, text: REDACTED });
      }
    }
    before = segment;
    start = end + 1;
  }
}

function isSecretSegment(
  segment: string,
  before: string,
  afterWebhook: boolean,
  policy: Policy,
  depth: number,
): boolean {
  if (segment.length < 8) return false;
  if ((segment.length >= LONGER_THAN_IDS && LONG_TOKEN.test(segment)) || holdsSecret(segment, policy, depth))
    return true;
  return (afterWebhook || policy.kind(before) !== PLAIN) && looksRandom(decode(segment));
}

/** Query and fragment, which both hold parameters: `?key=…&…#access_token=…`. */
function findInParameters(url: string, from: number, policy: Policy, depth: number, edits: Edit[]): void {
  for (let start = from; start < url.length; ) {
    const end = parameterEnd(url, start);
    // Without an equals sign all of it is the value.
    const valueStart = start + url.slice(start, end).indexOf('=') + 1;
    if (valueStart - start > MIN_KEY_LENGTH && holdsSecret(url.slice(start, valueStart - 1), policy, depth)) {
      edits.push({ start, end: valueStart - 1, text: REDACTED });
    }
    if (valueStart < end && isSecretValue(url, start, valueStart, end, policy, depth)) {
      edits.push({ start: valueStart, end, text: REDACTED });
    }
    start = end + 1;
  }
}

function isSecretValue(
  url: string,
  start: number,
  valueStart: number,
  end: number,
  policy: Policy,
  depth: number,
): boolean {
  if (valueStart > start && policy.isSecretParameter(decode(url.slice(start, valueStart - 1)))) return true;
  return holdsSecret(url.slice(valueStart, end), policy, depth);
}

const PARAMETER_END = /[&;#?]/g;

function parameterEnd(url: string, start: number): number {
  PARAMETER_END.lastIndex = start;
  return PARAMETER_END.exec(url)?.index ?? url.length;
}

/** A URL inside of a URL is encoded once more, so each decoding is looked at. */
const MAX_ENCODINGS = 3;
/** URLs in URLs in URLs: what is still encoded there is not looked into but replaced, for that would take forever. */
const MAX_DEPTH = 2;

function holdsSecret(encoded: string, policy: Policy, depth: number): boolean {
  let text = encoded;
  if (depth === MAX_DEPTH && text.includes('%')) return true;
  for (let times = 0; ; times++) {
    if (findSecrets(text, policy, depth + 1).length > 0) return true;
    const decoded = decode(times === 0 && text.includes('+') ? text.replaceAll('+', ' ') : text);
    if (times === MAX_ENCODINGS || decoded === text) return false;
    text = decoded;
  }
}

/** What cannot be decoded is judged as it stands. */
function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function indexOrEnd(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from);
  return index === -1 ? text.length : index;
}
