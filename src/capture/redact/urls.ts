import { type Edit, REDACTED } from './edits.js';
import { MIN_KEY_LENGTH } from './keys/find-keys.js';
import { isMadeOfWords, looksRandom } from './keys/randomness.js';
import { endOf } from './keys/scan.js';
import { PLAIN } from './names.js';
import type { Policy } from './policy.js';
import { isPlaceholder, isTemplate } from './text/harmless.js';

/** Finds the secrets of a text that stands in a URL; `depth` is the number of URLs around it. */
export type FindInText = (text: string, policy: Policy, depth: number) => readonly Edit[];

/** What all functions here need to judge a part of a URL. */
interface Context {
  readonly policy: Policy;
  readonly findInText: FindInText;
  /** The number of URLs that this one stands in. */
  readonly depth: number;
}

const SCHEME = /(?:[a-z][a-z0-9+.-]{0,30}:)?\/\//iy;
const DATA_URL = /data:[^,]*,/iy;
/** User info of documentation, and the user of git over SSH. */
const DOCUMENTED_USER =
  /^(?:git|(?:user(?:name)?|your\w{0,20})(?::(?:pass(?:word|wd)?|pwd|secret|your\w{0,20}|\*+|x+))?)$/i;
const PORT = /^\d*$/;

/** `hooks.slack.com/services/T…/B…/…`, `discord.com/api/webhooks/…`: to know such a path is enough to post. */
const WEBHOOK = /\/(?:services|triggers|webhookb2|webhooks?|workflows)\//g;
/** A segment of such a path: an id in capitals, `T0AAAAAAA`. */
const CAPITALS_ID = /^(?=[A-Z0-9]*\d|[BT][A-Z]{8,10}$)[A-Z0-9]{8,}$/;
/** A segment of a path that is longer than ids are, and has letters and digits mixed. */
const LONG_TOKEN = /^(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[\w-]+$/;
const LONGER_THAN_IDS = 40;
const SHORTEST_SEGMENT = 8;

/**
 * Finds the secrets of a URL, whole or relative: user info, secret values in query and fragment, path segments that are keys. The names
 * in a query stay. `depth` is the number of URLs that this one stands in.
 *
 * Source: semantic-conventions v1.45, `url.full`; its list of query keys, and those that model providers use.
 */
export function findUrlSecrets(url: string, policy: Policy, findInText: FindInText, depth = 0): Edit[] {
  const context = { policy, findInText, depth };
  const edits: Edit[] = [];
  const dataStart = endOf(DATA_URL, url, 0);
  if (dataStart > 0) return [{ start: dataStart, end: url.length, text: REDACTED }];
  const pathStart = findUserInfo(url, edits);
  const queryStart = indexOrEnd(url, '?', pathStart);
  const fragmentStart = indexOrEnd(url, '#', pathStart);
  const pathEnd = Math.min(queryStart, fragmentStart);
  findInPath(url, pathStart, pathEnd, context, edits);
  findInParameters(url, pathEnd + 1, context, edits);
  return edits;
}

/** Returns where the path begins. */
function findUserInfo(url: string, edits: Edit[]): number {
  const start = endOf(SCHEME, url, 0);
  if (start === 0) return 0;
  const end = authorityEnd(url, start);
  let at = url.lastIndexOf('@', end - 1);
  if (at < start) {
    // A password with a slash in it that was not escaped: the text after the colon is no port.
    const colon = url.indexOf(':', start);
    if (colon > start && colon < end && url[start] !== '[' && !PORT.test(url.slice(colon + 1, end))) {
      at = url.lastIndexOf('@');
    }
  }
  // The parameters of JDBC: `jdbc:sqlserver://host:1433;user=a;password=b`.
  if (at < start) return Math.min(end, indexOrEnd(url, ';', start));
  // In documentation: `https://${USER}:${PASSWORD}@…`.
  const userInfo = url.slice(start, at);
  if (!userInfo.split(':').every(isTemplate) && !DOCUMENTED_USER.test(userInfo)) {
    edits.push({ start, end: at, text: `${REDACTED}:${REDACTED}` });
  }
  return authorityEnd(url, at);
}

const HASH = 35;
const SLASH = 47;
const QUESTION_MARK = 63;
const BACKSLASH = 92;

function authorityEnd(url: string, from: number): number {
  for (let at = from; at < url.length; at++) {
    const code = url.charCodeAt(at);
    if (code === SLASH || code === QUESTION_MARK || code === HASH || code === BACKSLASH) return at;
  }
  return url.length;
}

function findInPath(url: string, pathStart: number, pathEnd: number, context: Context, edits: Edit[]): void {
  let webhookStart: number | undefined;
  let before = '';
  for (let start = pathStart; start < pathEnd; ) {
    const end = Math.min(indexOrEnd(url, '/', start), pathEnd);
    if (end - start > 1) {
      const segment = url.slice(start, end);
      if (segment.includes('=')) findInParameters(url.slice(0, end), start, context, edits);
      else if (segment.length >= SHORTEST_SEGMENT) {
        webhookStart ??= startAfterWebhook(url, pathStart, pathEnd);
        if (isSecretSegment(segment, before, start >= webhookStart, context)) {
          edits.push({ start, end, text: REDACTED });
        }
      }
      before = segment;
    } else {
      before = '';
    }
    start = end + 1;
  }
}

function startAfterWebhook(url: string, pathStart: number, pathEnd: number): number {
  const start = endOf(WEBHOOK, url, pathStart);
  return start > pathStart && start <= pathEnd ? start : pathEnd;
}

function isSecretSegment(segment: string, before: string, afterWebhook: boolean, context: Context): boolean {
  if (
    (segment.length >= LONGER_THAN_IDS && LONG_TOKEN.test(segment) && !ADDRESS.test(segment)) ||
    holdsSecret(segment, context)
  )
    return true;
  if (afterWebhook && (CAPITALS_ID.test(segment) || isLongAndNoWords(segment))) return true;
  return (afterWebhook || context.policy.kind(before) !== PLAIN) && looksRandom(decode(segment));
}

const SHORTEST_TOKEN = 16;

const ADDRESS = /^0x[0-9A-Fa-f]{40}$/;

function isLongAndNoWords(segment: string): boolean {
  return segment.length >= SHORTEST_TOKEN && !isMadeOfWords(segment, 0, segment.length);
}

/** Searches query and fragment, which both hold parameters: `?key=…&…#access_token=…`. */
function findInParameters(url: string, from: number, context: Context, edits: Edit[]): void {
  for (let start = from; start < url.length; ) {
    const end = parameterEnd(url, start);
    // Without an equals sign all of it is the value.
    const valueStart = start + url.slice(start, end).indexOf('=') + 1;
    if (valueStart - start > MIN_KEY_LENGTH && holdsSecret(url.slice(start, valueStart - 1), context)) {
      edits.push({ start, end: valueStart - 1, text: REDACTED });
    }
    if (valueStart < end && isSecretValue(url, start, valueStart, end, context)) {
      edits.push({ start: valueStart, end, text: REDACTED });
    }
    start = end + 1;
  }
}

function isSecretValue(url: string, start: number, valueStart: number, end: number, context: Context): boolean {
  if (valueStart > start && context.policy.isSecretParameter(decode(url.slice(start, valueStart - 1)))) {
    const value = decode(url.slice(valueStart, end));
    return !isTemplate(value) && !isPlaceholder(value);
  }
  return holdsSecret(url.slice(valueStart, end), context);
}

const PARAMETER_END = /[&;#?]/g;

function parameterEnd(url: string, start: number): number {
  PARAMETER_END.lastIndex = start;
  return PARAMETER_END.test(url) ? PARAMETER_END.lastIndex - 1 : url.length;
}

/** A URL inside of a URL is encoded once more, so each decoding is searched. */
const MAX_ENCODINGS = 3;
/** What is still encoded in a URL in a URL in a URL is replaced and not searched: each level costs a multiple of the one before. */
const MAX_DEPTH = 2;
/** A URL without a scheme and a host: `/callback?code=…`, `cb?code=…`. */
const RELATIVE_URL = /^[\w./-]{0,200}[?#]\w/;

function holdsSecret(encoded: string, context: Context): boolean {
  let text = encoded;
  if (context.depth === MAX_DEPTH && text.includes('%')) return true;
  for (let times = 0; ; times++) {
    if (context.findInText(text, context.policy, context.depth + 1).length > 0) return true;
    if (times > 0 && context.depth < MAX_DEPTH && RELATIVE_URL.test(text)) {
      if (findUrlSecrets(text, context.policy, context.findInText, context.depth + 1).length > 0) return true;
    }
    const decoded = decode(times === 0 && text.includes('+') ? text.replaceAll('+', ' ') : text);
    if (times === MAX_ENCODINGS || decoded === text) return false;
    text = decoded;
  }
}

/** A text that can't be decoded is returned as it is. */
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
