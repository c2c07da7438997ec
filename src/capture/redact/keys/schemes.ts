import { type Edit, REDACTED } from '../edits.js';
import { endOf } from './scan.js';

/** Not certificates, public keys and signatures, which are public, and not the label alone in a string of code. */
const SECRET_LABEL =
  /^-----BEGIN (?![A-Z0-9 ]*(?:PUBLIC|CERTIFICATE|SIGNATURE|CRL|PARAMETERS|SIGNED))[A-Z0-9 ]{1,60}-----(?!["'`)$])/;
const LONGEST_LABEL = 80;

/** Adds an edit for every PEM block that may hold a secret. A block without an end goes on to the end of the text. */
export function findPemBlocks(text: string, edits: Edit[]): void {
  let start = text.indexOf('-----BEGIN ');
  while (start !== -1) {
    const lastLine = text.indexOf('-----END ', start);
    const dashes = lastLine === -1 ? -1 : text.indexOf('-----', lastLine + 9);
    const end = dashes === -1 ? text.length : dashes + 5;
    if (SECRET_LABEL.test(text.slice(start, start + LONGEST_LABEL))) edits.push({ start, end, text: REDACTED });
    start = text.indexOf('-----BEGIN ', end);
  }
}

const SCHEME = /B(?:earer|asic) /y;
const SCHEME_TOKEN = / *([A-Za-z0-9+/=._~-]+)/y;
const SHORTEST_BASIC = 16;

/**
 * Adds an edit for what follows `Bearer` or `Basic`, where it looks like credentials and not like the next word. In lower case these
 * are words of ordinary text; there `findKeys` looks at what is long enough for a key.
 */
export function findSchemes(text: string, edits: Edit[]): void {
  for (let at = text.indexOf('B'); at !== -1; at = text.indexOf('B', at + 1)) {
    const next = text.charCodeAt(at + 1);
    const from = next === LOWER_E || next === LOWER_A ? endOf(SCHEME, text, at) : at;
    if (from === at) continue;
    SCHEME_TOKEN.lastIndex = from;
    const token = SCHEME_TOKEN.exec(text)?.[1] ?? '';
    const end = SCHEME_TOKEN.lastIndex;
    const isCredentials = next === LOWER_E ? isBearerToken(token) : isBasicCredentials(token);
    if (isCredentials) edits.push({ start: end - token.length, end, text: REDACTED });
  }
}

const LOWER_A = 97;
const LOWER_E = 101;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function isBearerToken(token: string): boolean {
  return token.length >= 6 && looksEncoded(token) && !token.endsWith('...');
}

function isBasicCredentials(token: string): boolean {
  if (token.length >= SHORTEST_BASIC && looksEncoded(token)) return true;
  if (!BASE64.test(token) || token.length % 4 === 1) return false;
  try {
    return atob(token).includes(':');
  } catch {
    return false;
  }
}

/** Words have no digits, and no capitals behind small letters. */
export function looksEncoded(token: string): boolean {
  return /[0-9]|[a-z][A-Z]/.test(token);
}
