/** Passwords that calls take: `login("bob", "x")`, `.password("x")`, `setenv("API_KEY", "x")`, `INSERT INTO t (a, password) VALUES (…)`. */

import type { Edit } from '../../edits.js';
import { SUSPECT } from '../../names.js';
import type { Policy } from '../../policy.js';
import { wordSet } from '../../word-set.js';
import { isInName } from '../name.js';
import { isSecretLike } from '../words.js';
import { addPassword } from './password.js';

/** Functions in small letters whose arguments may be passwords. */
const SECRETS_FROM_FIRST = /* @__PURE__ */ wordSet('cookieparser crypt fernet hmac.new password');
/** The same, but for the first argument, which is a user or what is signed. */
const SECRETS_FROM_SECOND = /* @__PURE__ */ wordSet(
  'auth authenticate basic_auth basicauth createhmac getconnection httpbasicauth httpdigestauth jwt.decode jwt.encode jwt.sign jwt.verify ' +
    'login mysqli mysqli_connect networkcredential passwordauthentication pdo pscredential setbasicauth signin signinwithemailandpassword ' +
    'usernamepasswordcredentials usernamepasswordauthenticationtoken wifi.begin',
);
/** What makes bytes or a text of a text; the name of the variable says what it is. */
const CONVERSIONS: ReadonlySet<string> = /* @__PURE__ */ wordSet('byte bytes from string b64decode securestring');
const ASSIGNED = /([\w$-]{2,64})["']?[ \t]{0,4}(?::?=|:)[ \t]{0,4}(?:new |await )?(?:\[\])?[\w.]{0,40}$/;
const SETTER = /^(?:set|with|add)_?/i;
const LONGEST_NAME = 40;
const LONGEST_ASSIGNED = 120;
const MOST_ARGUMENTS = 6;
const ARGUMENT =
  /\s{0,40}(?:[A-Za-z@$]{0,2}"([^"\n]{0,300})"|[A-Za-z@$]{0,2}'([^'\n]{0,300})'|[^,()"'\n]{0,100})[^,()"'\n]{0,40}(?:\(\))?\s{0,40}([,)])/y;
const QUOTE_SOON = /["']/;
const NEAR = 200;

interface Argument {
  readonly text: string;
  readonly start: number;
}

/** Adds edits for the passwords in the arguments of calls. */
export function findInCalls(text: string, policy: Policy, edits: Edit[]): void {
  for (let at = text.indexOf('('); at !== -1; at = text.indexOf('(', at + 1)) findInCall(text, at, policy, edits);
}

function findInCall(text: string, open: number, policy: Policy, edits: Edit[]): void {
  const before = text.charCodeAt(open - 1);
  if (!isInName(before) && before !== EQUALS && !(before === SPACE && isCalledAcrossBlank(text, open))) return;
  if (!QUOTE_SOON.test(text.slice(open + 1, open + NEAR))) return;
  let end = open;
  while (end > 0 && !isInName(text.charCodeAt(end - 1)) && open - end < 3) end--;
  let start = end;
  while (start > 0 && end - start < LONGEST_NAME && isInName(text.charCodeAt(start - 1))) start--;
  if (start === end) return;
  const called = text.slice(start, end);
  if (end < open) {
    if (called.toLowerCase() === 'values') findInRows(text, start, open, policy, edits);
    else if (called === 'auth' && text.slice(end, open).includes('=')) addFrom(1, argumentsAt(text, open), edits);
    return;
  }
  if (called.toLowerCase() === 'values') findInRows(text, start, open, policy, edits);
  const first = firstSecret(text, start, called, policy);
  const found = argumentsAt(text, open);
  const name = found[0]?.text ?? '';
  if (first !== undefined) addFrom(first, found, edits);
  else if (found.length > 1 && policy.kindInText(name) > SUSPECT) addFrom(1, found, edits);
}

const SPACE = 32;
const EQUALS = 61;
const CALLED_ACROSS_BLANK = /(?:values|auth ?=) $/i;
const LONGEST_CALLED = 8;

/** Whether a call may have a blank before its bracket: `VALUES (`, `auth = (`. Most brackets behind blanks stand in sentences. */
function isCalledAcrossBlank(text: string, open: number): boolean {
  return CALLED_ACROSS_BLANK.test(text.slice(Math.max(0, open - LONGEST_CALLED), open));
}

/** The index of the first argument that may be a password; `undefined` if none is by the name of the function. */
function firstSecret(text: string, start: number, called: string, policy: Policy): number | undefined {
  const dot = called.lastIndexOf('.');
  const last = called.slice(dot + 1);
  const names = [called.toLowerCase(), last.toLowerCase()];
  if (names.some((name) => SECRETS_FROM_SECOND.has(name))) return 1;
  if (names.some((name) => SECRETS_FROM_FIRST.has(name))) return 0;
  if (CONVERSIONS.has(last.toLowerCase())) {
    const assigned = ASSIGNED.exec(text.slice(Math.max(0, start - LONGEST_ASSIGNED), start))?.[1];
    return assigned !== undefined && policy.kindInText(assigned) > SUSPECT ? 0 : undefined;
  }
  const property = last.replace(SETTER, '');
  return (dot !== -1 || property !== last) && policy.kindInText(property) > SUSPECT ? 0 : undefined;
}

/** The arguments that are texts; the others are empty. */
function argumentsAt(text: string, open: number): Argument[] {
  const found: Argument[] = [];
  for (let from = open + 1; found.length < MOST_ARGUMENTS; from = ARGUMENT.lastIndex) {
    ARGUMENT.lastIndex = from;
    const match = ARGUMENT.exec(text);
    if (!match) break;
    const value = match[1] ?? match[2] ?? '';
    found.push({ text: value, start: from + Math.max(0, match[0].search(QUOTE_SOON)) + 1 });
    if (match[3] === ')') break;
  }
  return found;
}

function addFrom(first: number, found: readonly Argument[], edits: Edit[]): void {
  for (const { text, start } of found.slice(first)) {
    if (isSecretLike(text) && !/\s/.test(text)) addPassword(start, text, edits);
  }
}

const COLUMNS = /\(([^()]{1,1000})\)\s{0,40}$/;
const LONGEST_COLUMNS = 1100;
const NEXT_ROW = /[^()]{0,60}\)\s{0,40},\s{0,40}\(/y;
const MOST_ROWS = 100;

/** `INSERT INTO users (email, password) VALUES ('a', 'x'), ('b', 'y')` */
function findInRows(text: string, values: number, open: number, policy: Policy, edits: Edit[]): void {
  const columns = COLUMNS.exec(text.slice(Math.max(0, values - LONGEST_COLUMNS), values))?.[1];
  if (columns === undefined || !policy.mayHoldName(columns)) return;
  const names = columns.split(',').map((name) => name.replace(/["'`[\]\s]/g, ''));
  const secret = names.map((name) => policy.kindInText(name) > SUSPECT);
  let at = open;
  for (let row = 0; row < MOST_ROWS; row++) {
    const cells = argumentsAt(text, at);
    for (const [index, { text: value, start }] of cells.entries()) {
      if (secret[index] && value.length > 2) addPassword(start, value, edits);
    }
    NEXT_ROW.lastIndex = (cells.at(-1)?.start ?? at) + (cells.at(-1)?.text.length ?? 0);
    if (!NEXT_ROW.test(text)) return;
    at = NEXT_ROW.lastIndex - 1;
  }
}
