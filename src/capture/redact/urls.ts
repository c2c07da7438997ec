import { type Edit, REDACTED } from './edits.js';
import { isPlain, MIN_KEY_LENGTH } from './keys/find-keys.js';
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
const LOWER_D = 100;
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
 * Finds the secrets of the URL between two places of a text, whole or relative: user info, secret values in query and fragment, path segments
 * that are keys. The names in a query stay. `depth` is the number of URLs that this one stands in. The text is read in its place because V8
 * takes several times as long for a character of a slice.
 *
 * Source: semantic-conventions v1.45, `url.full`; its list of query keys, and those that model providers use.
 */
export function findUrlSecrets(
  text: string,
  start: number,
  end: number,
  policy: Policy,
  findInText: FindInText,
  depth: number,
  edits: Edit[],
): void {
  const context = { policy, findInText, depth };
  if ((text.charCodeAt(start) | 32) === LOWER_D) {
    const dataStart = endOf(DATA_URL, text.slice(start, end), 0);
    if (dataStart > 0) {
      edits.push({ start: start + dataStart, end, text: REDACTED });
      return;
    }
  }
  const pathStart = findUserInfo(text, start, end, edits);
  let pathEnd = pathStart;
  for (let code = text.charCodeAt(pathEnd); pathEnd < end && !endsPath(code); code = text.charCodeAt(++pathEnd));
  findInPath(text, pathStart, pathEnd, context, edits);
  findInParameters(text, pathEnd + 1, end, context, edits);
}

function endsPath(code: number): boolean {
  return code === QUESTION_MARK || code === HASH;
}

/** Returns where the path begins. */
function findUserInfo(text: string, urlStart: number, urlEnd: number, edits: Edit[]): number {
  const start = Math.min(urlEnd, endOf(SCHEME, text, urlStart));
  if (start === urlStart) return urlStart;
  let at = -1;
  let colon = -1;
  let semicolon = -1;
  let end = start;
  for (let code = text.charCodeAt(end); end < urlEnd && !endsAuthority(code); code = text.charCodeAt(++end)) {
    if (code === AT) at = end;
    else if (code === COLON && colon === -1) colon = end;
    else if (code === SEMICOLON && semicolon === -1) semicolon = end;
  }
  // A password with a slash in it that was not escaped: the text after the colon is no port.
  if (at === -1 && colon > start && text[start] !== '[' && !PORT.test(text.slice(colon + 1, end))) {
    at = start + text.slice(start, urlEnd).lastIndexOf('@');
  }
  // The parameters of JDBC: `jdbc:sqlserver://host:1433;user=a;password=b`.
  if (at < start) return semicolon === -1 ? end : semicolon;
  // In documentation: `https://${USER}:${PASSWORD}@…`.
  const userInfo = text.slice(start, at);
  if (!userInfo.split(':').every(isTemplate) && !DOCUMENTED_USER.test(userInfo)) {
    edits.push({ start, end: at, text: `${REDACTED}:${REDACTED}` });
  }
  return at < end ? end : authorityEnd(text, at, urlEnd);
}

const HASH = 35;
const AMPERSAND = 38;
const SLASH = 47;
const COLON = 58;
const SEMICOLON = 59;
const EQUALS = 61;
const QUESTION_MARK = 63;
const AT = 64;
const BACKSLASH = 92;

function endsAuthority(code: number): boolean {
  return code === SLASH || code === QUESTION_MARK || code === HASH || code === BACKSLASH;
}

function authorityEnd(text: string, from: number, urlEnd: number): number {
  let end = from;
  while (end < urlEnd && !endsAuthority(text.charCodeAt(end))) end++;
  return end;
}

function findInPath(text: string, pathStart: number, pathEnd: number, context: Context, edits: Edit[]): void {
  let webhookStart: number | undefined;
  let beforeStart = pathStart;
  let beforeEnd = pathStart;
  for (let start = pathStart; start < pathEnd; ) {
    let hasEquals = false;
    let end = start;
    for (let code = text.charCodeAt(end); end < pathEnd && code !== SLASH; code = text.charCodeAt(++end)) {
      if (code === EQUALS) hasEquals = true;
    }
    if (hasEquals && end - start > 1) findInParameters(text, start, end, context, edits);
    else if (end - start >= SHORTEST_SEGMENT) {
      webhookStart ??= startAfterWebhook(text, pathStart, pathEnd);
      const isAfterWebhook = start >= webhookStart;
      // A plain segment is too short to look random.
      if (isAfterWebhook || !isPlain(text, start, end) || context.policy.patterns.length > 0) {
        const before = text.slice(beforeStart, beforeEnd);
        if (isSecretSegment(text.slice(start, end), before, isAfterWebhook, context)) {
          edits.push({ start, end, text: REDACTED });
        }
      }
    }
    beforeStart = start;
    beforeEnd = end - start > 1 ? end : start;
    start = end + 1;
  }
}

function startAfterWebhook(text: string, pathStart: number, pathEnd: number): number {
  const start = endOf(WEBHOOK, text.slice(pathStart, pathEnd), 0);
  return start > 0 ? pathStart + start : pathEnd;
}

function isSecretSegment(segment: string, before: string, afterWebhook: boolean, context: Context): boolean {
  if (
    (segment.length >= LONGER_THAN_IDS && LONG_TOKEN.test(segment) && !ADDRESS.test(segment)) ||
    holdsSecret(segment, context)
  )
    return true;
  if (afterWebhook && (CAPITALS_ID.test(segment) || isLongAndNoWords(segment))) return true;
  return (afterWebhook || context.policy.kind(before) !== PLAIN) && looksRandom(decodePart(segment));
}

const SHORTEST_TOKEN = 16;
const LONGER_THAN_WORDS = /^[A-Za-z0-9]{22,}$/;

const ADDRESS = /^0x[0-9A-Fa-f]{40}$/;

function isLongAndNoWords(segment: string): boolean {
  return (
    segment.length >= SHORTEST_TOKEN && (LONGER_THAN_WORDS.test(segment) || !isMadeOfWords(segment, 0, segment.length))
  );
}

/** Searches query and fragment, which both hold parameters: `?key=…&…#access_token=…`. */
function findInParameters(text: string, from: number, to: number, context: Context, edits: Edit[]): void {
  for (let start = from; start < to; ) {
    // Without an equals sign all of it is the value.
    let valueStart = start;
    let end = start;
    for (let code = text.charCodeAt(end); end < to && !endsParameter(code); code = text.charCodeAt(++end)) {
      if (code === EQUALS && valueStart === start) valueStart = end + 1;
    }
    if (valueStart - start > MIN_KEY_LENGTH && holdsSecret(text.slice(start, valueStart - 1), context)) {
      edits.push({ start, end: valueStart - 1, text: REDACTED });
    }
    if (valueStart < end && isSecretValue(text, start, valueStart, end, context)) {
      edits.push({ start: valueStart, end, text: REDACTED });
    }
    start = end + 1;
  }
}

function isSecretValue(text: string, start: number, valueStart: number, end: number, context: Context): boolean {
  if (valueStart > start && context.policy.isSecretParameter(decodePart(text.slice(start, valueStart - 1)))) {
    const value = decodePart(text.slice(valueStart, end));
    return !isTemplate(value) && !isPlaceholder(value);
  }
  if (context.policy.patterns.length === 0 && isPlain(text, valueStart, end)) return false;
  return holdsSecret(text.slice(valueStart, end), context);
}

function endsParameter(code: number): boolean {
  return code === AMPERSAND || code === SEMICOLON || code === HASH || code === QUESTION_MARK;
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
      if (isUrlWithSecret(text, context.policy, context.findInText, context.depth + 1)) return true;
    }
    const decoded = decodePart(times === 0 && text.includes('+') ? text.replaceAll('+', ' ') : text);
    if (times === MAX_ENCODINGS || decoded === text) return false;
    text = decoded;
  }
}

/** A text that can't be decoded is returned as it is. */
export function decodePart(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether there is a secret in a URL. */
export function isUrlWithSecret(url: string, policy: Policy, findInText: FindInText, depth: number): boolean {
  const edits: Edit[] = [];
  findUrlSecrets(url, 0, url.length, policy, findInText, depth, edits);
  return edits.length > 0;
}
