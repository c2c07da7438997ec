/** A table of the documentation that a program of this harness writes. */
import { readFileSync, writeFileSync } from 'node:fs';

const END = '<!-- The end of what is written -->';

/** The place of a table in a file: after the line that says that `command` writes it. */
export interface TablePlace {
  readonly file: string;
  readonly command: string;
}

/** Whether the file has this table. */
export function isWritten(place: TablePlace, lines: readonly string[]): boolean {
  return partsOf(place).table === tableOf(lines);
}

export function write(place: TablePlace, lines: readonly string[]): void {
  const { before, after } = partsOf(place);
  writeFileSync(place.file, `${before}${tableOf(lines)}${after}`);
}

/** A row of a table: the first one is its head. */
export function rowOf(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function partsOf({ file, command }: TablePlace): { before: string; table: string; after: string } {
  const text = readFileSync(file, 'utf8');
  const line = `<!-- Written by \`${command}\` -->`;
  const begin = text.indexOf(line) + line.length;
  const end = text.indexOf(END, begin);
  if (begin < line.length || end < begin) throw new Error(`${file} has no place for the table of ${command}`);
  return { before: text.slice(0, begin), table: text.slice(begin, end), after: text.slice(end) };
}

function tableOf([head = '', ...rows]: readonly string[]): string {
  const line = `|${'---|'.repeat(head.split(' | ').length)}`;
  return `\n${[head, line, ...rows].join('\n')}\n`;
}
