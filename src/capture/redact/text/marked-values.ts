import { type Edit, REDACTED } from '../edits.js';
import { isMixed } from '../keys/randomness.js';
import { endOf } from '../keys/scan.js';
import { SUSPECT, TOKEN } from '../names.js';
import type { Policy } from '../policy.js';
import { findInCommand } from './by-place/options.js';
import { findHereText, findPiped } from './by-place/stdin.js';
import { isExpression } from './code.js';
import { isHarmlessValue, isNoSecret } from './harmless.js';
import { isInName } from './name.js';
import { isPassphrase } from './value.js';
import { isSecretLike, withoutMarks } from './words.js';

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

function isLetter(code: number): boolean {
  const lowerCase = code | 32;
  return lowerCase >= 97 && lowerCase <= 122;
}

/** A cell of the first line of a table: one name, perhaps in quotes. */
const HEADER_CELL = /^\s?(["']?)[\w .-]{1,64}\1\s?$/;
const DELIMITERS = ['\t', ';', ','];

/**
 * Adds edits for the cells below the names in a line of a table with commas, semicolons or tabs. A line below may have names as well: then the
 * cells below those are meant too. Returns where the table ends: each line is read once.
 */
export function findInColumns(text: string, at: number, policy: Policy, edits: Edit[]): number {
  const end = lineEnd(text, at);
  const header = text.slice(text.lastIndexOf('\n', at) + 1, end);
  const delimiter = DELIMITERS.find((mark) => header.includes(mark));
  if (delimiter === undefined) return end;
  let columns = secretColumns(header, delimiter, policy);
  if (!columns.includes(true)) return end;
  for (let start = end + 1; start < text.length; ) {
    const next = lineEnd(text, start);
    const row = text.slice(start, next);
    const cells = cellsOfRow(row, delimiter);
    if (cells.length !== columns.length) return start - 1;
    for (const [index, cell] of cells.entries()) {
      if (columns[index]) addCell(start + cell.start, cell.text, edits);
    }
    const named = secretColumns(row, delimiter, policy);
    if (named.includes(true)) columns = columns.map((isSecret, index) => isSecret || named[index] === true);
    start = next + 1;
  }
  return text.length;
}

/** Which of the cells name a secret; empty if the line is none of names. */
function secretColumns(line: string, delimiter: string, policy: Policy): boolean[] {
  const names = line.split(delimiter);
  return names.every((name) => HEADER_CELL.test(name)) ? names.map((name) => isSecretName(name, policy)) : [];
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

/** The cells of a row, in which delimiters may stand in quotes. */
function cellsOfRow(row: string, delimiter: string): { start: number; text: string }[] {
  const cells: { start: number; text: string }[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at <= row.length; at++) {
    if (row[at] === '"') isQuoted = !isQuoted;
    if (at < row.length && (isQuoted || row[at] !== delimiter)) continue;
    cells.push({ start, text: row.slice(start, at) });
    start = at + 1;
  }
  return cells;
}

/** Other cells of several words describe something. */
const SMALL_WORDS = /^[a-z0-9 -]+$/;
const LEAST_WORDS = 4;
const CELL_MARKS = '*_`~"\'';

/** Adds an edit for a cell under the name of a secret, if it holds one. */
function addCell(start: number, cell: string, edits: Edit[]): void {
  const value = withoutMarks(cell.trim(), CELL_MARKS, CELL_MARKS);
  const isOneWord = isSecretLike(value) && !/\s/.test(value) && !isHarmlessValue(value) && !isExpression(value);
  if (!isOneWord && !(SMALL_WORDS.test(value) && isPassphrase(value, LEAST_WORDS))) return;
  const from = start + cell.indexOf(value);
  edits.push({ start: from, end: from + value.length, text: REDACTED });
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

const RULE = /^[\s|:-]+$/;
const MARKS = /[*_`~"']/g;

/** `| password | value |`, and the cells below a heading with such a name. */
function findInTables(text: string, policy: Policy, edits: Edit[]): void {
  let columns: boolean[] | undefined;
  let before = '';
  let beforeEnd = -1;
  for (let bar = text.indexOf('|'); bar !== -1; bar = text.indexOf('|', beforeEnd)) {
    const start = text.lastIndexOf('\n', bar) + 1;
    const lineEnd = text.indexOf('\n', bar);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const line = text.slice(start, end);
    if (start !== beforeEnd + 1) {
      columns = undefined;
      before = '';
    }
    beforeEnd = end;
    if (RULE.test(line)) {
      columns = policy.mayHoldName(before) ? cellsOf(before).map((cell) => isSecretName(cell, policy)) : undefined;
    } else if (columns || policy.mayHoldName(line)) {
      findInRow(line, start, columns, policy, edits);
    }
    before = line;
  }
}

function cellsOf(line: string): string[] {
  return line.split('|');
}

function findInRow(
  line: string,
  start: number,
  columns: readonly boolean[] | undefined,
  policy: Policy,
  edits: Edit[],
): void {
  const isRow = line.trimStart()[0] === '|';
  let at = start;
  let before = '';
  for (const [index, cell] of cellsOf(line).entries()) {
    if (columns?.[index] || (isRow && before !== '' && isSecretName(before, policy))) {
      addCell(at, cell, edits);
    }
    at += cell.length + 1;
    before = cell;
  }
}

function isSecretName(cell: string, policy: Policy): boolean {
  if (!policy.mayHoldName(cell)) return false;
  const name = cell.replace(MARKS, '').trim().replace(/:$/, '');
  return name.length <= 64 && policy.kindInText(name) > SUSPECT;
}
