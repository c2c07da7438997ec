import { type Edit, REDACTED } from '../edits.js';
import { isMixed } from '../keys/randomness.js';
import { endOf, isLetter } from '../keys/scan.js';
import { SUSPECT, TOKEN } from '../names.js';
import type { Policy } from '../policy.js';
import { findInCommand } from './by-place/options.js';
import { findHereText, findPiped } from './by-place/stdin.js';
import { isNoSecret } from './harmless.js';
import { isInName } from './name.js';
import { findInTables } from './tables.js';
import { isSecretLike } from './words.js';

/** Adds edits for values whose names stand in elements of HTML and XML, in options of commands and in tables of Markdown. */
export function findMarked(text: string, policy: Policy, edits: Edit[]): void {
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
    if (text.charCodeAt(at + 1) === LESS) findHereText(text, at++, edits);
    else findInElement(text, at, policy, edits);
  }
  for (let at = text.indexOf('-'); at !== -1; at = text.indexOf('-', at + 1)) {
    if (at > 0 && isPartOfWord(text.charCodeAt(at - 1))) continue;
    if (text.charCodeAt(at + 1) === HYPHEN) findInOption(text, at, at++ + 2, policy, edits);
    else if (isOptionOfPowerShell(text, at)) findInOption(text, at, at + 1, policy, edits);
    else findInCommand(text, at, edits);
  }
  const bar = text.indexOf('|');
  if (bar === -1) return;
  findInTables(text, policy, edits);
  for (let at = bar; at !== -1; at = text.indexOf('|', at + 1)) findPiped(text, at, edits);
}

const HYPHEN = 45;
const LESS = 60;
const PERIOD = 46;

/** Most hyphens stand in a word. */
function isPartOfWord(code: number): boolean {
  return isInName(code) && code !== PERIOD;
}

const ELEMENT = /<([A-Za-z_][\w:.-]{0,60})(\s[^<>]{0,600})?>/y;
const ATTRIBUTE = /([\w:-]{1,60})\s{0,4}=\s{0,4}(?:"([^"]*)"|'([^']*)'|([^\s"'<>=`]{1,200}?)(?=\s|\/?$))/g;
/** Attributes that hold the name of a value, and those that hold the value. */
const NAME_ATTRIBUTES = /^(?:name|key|id|property|field|itemprop)$/i;
const VALUE_ATTRIBUTES = /^(?:value|content|data-value)$/i;

/** `<input type="password" value="x">` has no other name. */
function isNameAttribute(key: string, value: string): boolean {
  return NAME_ATTRIBUTES.test(key) || (key === 'type' && value === 'password');
}

const CONTENT = /[^<]{1,2000}(?=<\/)|[^<\]]{1,2000}(?=\]\]>)/y;
const CDATA = /\s{0,20}<!\[CDATA\[/y;

function findInElement(text: string, at: number, policy: Policy, edits: Edit[]): void {
  ELEMENT.lastIndex = at;
  const match = ELEMENT.exec(text);
  if (!match || !policy.mayHoldName(match[0])) return;
  const [whole, element = '', attributes = ''] = match;
  let name = element;
  // An id names a place of the page, not its content.
  let isContentNamed = true;
  const attributesStart = at + 1 + element.length;
  const values: [start: number, value: string][] = [];
  for (const attribute of attributes.matchAll(ATTRIBUTE)) {
    const value = attribute[2] ?? attribute[3] ?? attribute[4] ?? '';
    const key = attribute[1] ?? '';
    if (VALUE_ATTRIBUTES.test(key)) {
      values.push([
        attributesStart + attribute.index + attribute[0].length - value.length - (attribute[4] === undefined ? 1 : 0),
        value,
      ]);
    } else if (isNameAttribute(key, value) && policy.kindInText(value) > SUSPECT) {
      name = value;
      isContentNamed = !/^id$/i.test(key);
    }
  }
  const kind = policy.kindInText(name);
  if (kind <= SUSPECT) return;
  for (const [start, value] of values) addUnlessHarmless(start, value, edits);
  if (!isContentNamed) return;
  const start = endOf(CDATA, text, at + whole.length);
  const content = text.slice(start, endOf(CONTENT, text, start));
  if (content === '' || (kind === TOKEN && !isSecretLike(content.trim()))) return;
  addUnlessHarmless(start, content, edits);
}

function addUnlessHarmless(start: number, value: string, edits: Edit[]): void {
  const trimmed = value.trim();
  if (trimmed === '' || isNoSecret(trimmed)) return;
  const from = start + value.indexOf(trimmed);
  edits.push({ start: from, end: from + trimmed.length, text: REDACTED });
}

const OPTION_NAME = /[A-Za-z][\w-]{1,60}/y;
/** Also in a list of arguments: `["--password", "x"]`. */
const OPTION_VALUE =
  /(?:[ \t]{1,4}(?=["']|[^\s"'`|&;)]{3})|["'],\s{0,40}(?=["']))("[^"\n]{1,500}"|'[^'\n]{1,500}'|(?:[^\s"'`|&;)]|\)(?=[^\s"'`|&;)\]},.])){3,})/y;
/** `[-Password <SecureString>]` */
const PLACEHOLDER = /^<\w+>/;
const WORD_OF_TEXT = /^[A-Za-z]+[.,:;)]?$/;
const COMMAND_GOES_ON = /^[ \t]+(?:--?\w|\\|&&|\||>)/;

/** `-Password x` */
function isOptionOfPowerShell(text: string, at: number): boolean {
  const [first, second] = [text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
  return first >= CAPITAL_A && first <= CAPITAL_Z && isLetter(second);
}

const CAPITAL_A = 65;
const CAPITAL_Z = 90;

/** `--password value`: in commands, where the next word is the value. The hyphens stand at `at`. */
function findInOption(text: string, at: number, nameStart: number, policy: Policy, edits: Edit[]): void {
  if (!isLetter(text.charCodeAt(nameStart))) return;
  const nameEnd = endOf(OPTION_NAME, text, nameStart);
  const name = text.slice(nameStart, nameEnd);
  if (policy.kindInText(name) <= SUSPECT) {
    if (nameStart === at + 1 || name.endsWith('user') || name === 'value' || name === 'auth')
      findInCommand(text, at, edits);
    return;
  }
  OPTION_VALUE.lastIndex = nameEnd;
  const [whole, raw = ''] = OPTION_VALUE.exec(text) ?? [];
  if (whole === undefined) return;
  const isQuoted = raw[0] === '"' || raw[0] === "'";
  const value = isQuoted ? raw.slice(1, -1) : raw;
  if (value.startsWith('-') && !isMixed(value, 0, value.length)) return;
  if (isNoSecret(value) || PLACEHOLDER.test(value)) return;
  const end = nameEnd + whole.length;
  // In a sentence the next word is no value: `use --password to set it`.
  if (!isQuoted && WORD_OF_TEXT.test(value) && !isSecretLike(value) && !COMMAND_GOES_ON.test(text.slice(end, end + 8)))
    return;
  const start = end - raw.length + (isQuoted ? 1 : 0);
  edits.push({ start, end: start + value.length, text: REDACTED });
}

const LONGEST_MANIFEST = 20_000;
const DATA = /^(?:stringData|data):[ \t]*\r?\n((?:[ \t]+.*(?:\r?\n|$))+)/gm;
const DATUM = /^[ \t]+[\w.-]{1,253}:[ \t]*["']?([^\s"'|>]{4,})["']?[ \t]*\r?$/gm;

/**
 * Adds edits for the data of a Secret of Kubernetes, whose kind ends at `kindEnd`: all of it is secret, under any name. Returns where
 * the manifest ends.
 */
export function findInManifest(text: string, kindEnd: number, edits: Edit[]): number {
  const start = Math.max(text.lastIndexOf('\n---', kindEnd) + 1, kindEnd - LONGEST_MANIFEST);
  const next = text.indexOf('\n---', kindEnd);
  const end = Math.min(next === -1 ? text.length : next, kindEnd + LONGEST_MANIFEST);
  const manifest = text.slice(start, end);
  for (const block of manifest.matchAll(DATA)) {
    const lines = block[1] ?? '';
    const linesStart = start + block.index + block[0].length - lines.length;
    for (const { 0: line, 1: value = '', index } of lines.matchAll(DATUM)) {
      addUnlessHarmless(linesStart + index + line.lastIndexOf(value), value, edits);
    }
  }
  return end;
}
