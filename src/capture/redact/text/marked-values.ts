import { type Edit, REDACTED } from '../edits.js';
import { isMixed } from '../keys/randomness.js';
import { SUSPECT, TOKEN } from '../names.js';
import type { Policy } from '../policy.js';
import { isExpression } from './code.js';
import { isHarmlessValue, isNoValue, isSecretLike } from './harmless.js';

/** Adds edits for values whose names stand in elements of HTML and XML, in options of commands and in tables of Markdown. */
export function findMarked(text: string, policy: Policy, edits: Edit[]): void {
  if (text.includes('<')) findInElements(text, policy, edits);
  if (text.includes('--') || text.includes('-u ')) findInOptions(text, policy, edits);
  if (text.includes('|')) findInTables(text, policy, edits);
}

const ELEMENT = /<([A-Za-z_][\w:.-]{0,60})(\s[^<>]{0,600})?>/g;
const ATTRIBUTE = /([\w:-]{1,60})\s{0,4}=\s{0,4}(?:"([^"]*)"|'([^']*)')/g;
/** Attributes that hold the name of a value, and those that hold the value. */
const NAME_ATTRIBUTES = /^(?:name|key|id|property|field|itemprop)$/i;
const VALUE_ATTRIBUTES = /^(?:value|content|data-value)$/i;
const CONTENT = /[^<]{1,2000}(?=<\/)/y;

function findInElements(text: string, policy: Policy, edits: Edit[]): void {
  for (const match of text.matchAll(ELEMENT)) {
    const [whole, element = '', attributes = ''] = match;
    let name = element;
    let isContentNamed = true;
    const attributesStart = match.index + 1 + element.length;
    const values: [start: number, value: string][] = [];
    for (const attribute of attributes.matchAll(ATTRIBUTE)) {
      const value = attribute[2] ?? attribute[3] ?? '';
      const key = attribute[1] ?? '';
      if (VALUE_ATTRIBUTES.test(key)) {
        values.push([attributesStart + attribute.index + attribute[0].length - 1 - value.length, value]);
      } else if (NAME_ATTRIBUTES.test(key) && policy.kindInText(value) > SUSPECT) {
        name = value;
        isContentNamed = !/^id$/i.test(key);
      }
    }
    const kind = policy.kindInText(name);
    if (kind <= SUSPECT) continue;
    for (const [start, value] of values) addUnlessHarmless(start, value, edits);
    if (!isContentNamed) continue;
    CONTENT.lastIndex = match.index + whole.length;
    const content = CONTENT.exec(text)?.[0];
    if (content === undefined || (kind === TOKEN && !isSecretLike(content.trim()))) continue;
    addUnlessHarmless(match.index + whole.length, content, edits);
  }
}

function addUnlessHarmless(start: number, value: string, edits: Edit[]): void {
  const trimmed = value.trim();
  if (trimmed === '' || isNoValue(trimmed) || isHarmlessValue(trimmed) || isExpression(trimmed)) return;
  const from = start + value.indexOf(trimmed);
  edits.push({ start: from, end: from + trimmed.length, text: REDACTED });
}

const OPTION = /(?<![\w-])--?([A-Za-z][\w-]{1,60})[ \t]{1,4}("[^"\n]{1,500}"|'[^'\n]{1,500}'|[^\s"'`|&;)]{3,})/g;
/** `curl -u user:password`. */
const USER_OPTION = /(?<![\w-])(?:-u|--user|--proxy-user)[ \t=]{1,4}["']?[\w.@+-]{1,80}:([^\s"'`@]{3,200})/g;
const WORD_OF_TEXT = /^[A-Za-z]+[.,:;)]?$/;
const COMMAND_GOES_ON = /^[ \t]+(?:--?\w|\\|&&|\||>)/;

/** `--password value`: in commands, where the next word is the value. */
function findInOptions(text: string, policy: Policy, edits: Edit[]): void {
  for (const match of text.matchAll(OPTION)) {
    const [whole, name = '', raw = ''] = match;
    if (policy.kindInText(name) <= SUSPECT) continue;
    const isQuoted = raw[0] === '"' || raw[0] === "'";
    const value = isQuoted ? raw.slice(1, -1) : raw;
    if (
      (value.startsWith('-') && !isMixed(value, 0, value.length)) ||
      isNoValue(value) ||
      isHarmlessValue(value) ||
      isExpression(value)
    )
      continue;
    const end = match.index + whole.length;
    const isWord = !isQuoted && WORD_OF_TEXT.test(value);
    if (isWord && !COMMAND_GOES_ON.test(text.slice(end, end + 8))) continue;
    const start = end - raw.length + (isQuoted ? 1 : 0);
    edits.push({ start, end: start + value.length, text: REDACTED });
  }
  if (!text.includes('-u')) return;
  for (const { 0: whole, 1: password = '', index } of text.matchAll(USER_OPTION)) {
    if (isHarmlessValue(password)) continue;
    const end = index + whole.length;
    edits.push({ start: end - password.length, end, text: REDACTED });
  }
}

const ROW = /^[ \t]*\|?(.*\|.*)$/gm;
const RULE = /^[\s|:-]+$/;
const MARKS = /[*_`~"']/g;

/** `| password | value |`, and the cells below a heading with such a name. */
function findInTables(text: string, policy: Policy, edits: Edit[]): void {
  let columns: boolean[] | undefined;
  let before: string[] | undefined;
  let beforeEnd = -1;
  for (const match of text.matchAll(ROW)) {
    const line = match[1] ?? '';
    const start = match.index + match[0].length - line.length;
    if (match.index !== beforeEnd + 1) columns = before = undefined;
    beforeEnd = match.index + match[0].length;
    const cells = line.split('|');
    if (RULE.test(line)) {
      columns = before?.map((cell) => isSecretName(cell, policy));
      continue;
    }
    let at = start;
    for (const [index, cell] of cells.entries()) {
      const isNamed =
        columns?.[index] ||
        (index > 0 && match[0].trimStart()[0] === '|' && isSecretName(cells[index - 1] ?? '', policy));
      const value = cell.trim().replace(/^[*_`~"']+|[*_`~"']+$/g, '');
      if (isNamed && isSecretLike(value) && !/\s/.test(value) && !isHarmlessValue(value) && !isExpression(value)) {
        const from = at + cell.indexOf(value);
        edits.push({ start: from, end: from + value.length, text: REDACTED });
      }
      at += cell.length + 1;
    }
    before = cells;
  }
}

function isSecretName(cell: string, policy: Policy): boolean {
  const name = cell.replace(MARKS, '').trim().replace(/:$/, '');
  return name.length <= 64 && policy.kindInText(name) > SUSPECT;
}
