/** Values in tables: of Markdown, and of lines with commas, semicolons or tabs. A name stands above its value or, in Markdown, before it. */
import { type Edit, REDACTED } from '../edits.js';
import { SUSPECT } from '../names.js';
import type { Policy } from '../policy.js';
import { isExpression } from './code.js';
import { isHarmlessValue } from './harmless.js';
import { isPassphrase } from './value/label.js';
import { isSecretLike, withoutMarks } from './words.js';

const RULE = /^[\s|:-]+$/;

/** Adds edits for values in tables of Markdown: `| password | value |`, and the cells below a heading with such a name. */
export function findInTables(text: string, policy: Policy, edits: Edit[]): void {
  let columns: boolean[] | undefined;
  let before = '';
  let beforeEnd = -1;
  for (let bar = text.indexOf('|'); bar !== -1; bar = text.indexOf('|', beforeEnd)) {
    const start = text.lastIndexOf('\n', bar) + 1;
    const end = lineEnd(text, bar);
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

const MARKS = /[*_`~"']/g;

function isSecretName(cell: string, policy: Policy): boolean {
  if (!policy.mayHoldName(cell)) return false;
  const name = cell.replace(MARKS, '').trim().replace(/:$/, '');
  return name.length <= 64 && policy.kindInText(name) > SUSPECT;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
