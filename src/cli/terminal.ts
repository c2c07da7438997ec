/**
 * What the command prints. Files, spans and error messages are data that other programs wrote, so every text goes through `printable`
 * before it reaches the terminal.
 */

import type { DiagLogger } from '@opentelemetry/api';

/**
 * Control and format characters (escape sequences, BEL, line breaks, changes of direction, zero-width and tag characters), line
 * separators, lone surrogates, and all else that is shown as nothing (fillers, joiners, blanks of Braille, variation selectors). One
 * selector of an emoji's form stays; several in a row can carry hidden text.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u2800]|(?![\ufe0e\ufe0f])\p{DI}|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]/gu;

/** The text with `·` in the place of each character that can control a terminal or that a reader cannot see. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '·');
}

/** JSON with each such character as an escape, so that its reader finds the text as it was. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** Prints one line to standard output. */
export function printLine(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** Prints one line of complaint to standard error. */
export function complain(message: string): void {
  process.stderr.write(`runtrace: ${printable(message.replace(/^runtrace:? ?/, ''))}\n`);
}

/** Prints what the OpenTelemetry API reports through `diag`. */
export const terminalLogger: DiagLogger = {
  error: (message, ...args) => complain([message, ...args.map(messageOf)].join(' ')),
  warn: (message, ...args) => complain([message, ...args.map(messageOf)].join(' ')),
  info() {},
  debug() {},
  verbose() {},
};

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Shows how far the work has come, on a terminal only: each text takes the place of the one before. An empty text clears the line.
 */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${printable(text)}`);
}

/**
 * How trees are printed to standard output: in the width of the terminal, or of `COLUMNS`. What goes to a file or to another program is
 * not cut, as with `ps` and `docker`.
 */
export function outputLook(): { colors: boolean; width: number } {
  const { columns, isTTY } = process.stdout;
  const asked = Number(process.env.COLUMNS);
  // A terminal may not know its width.
  const width = columns || (asked > 0 ? asked : isTTY ? 80 : Number.POSITIVE_INFINITY);
  return { colors: isTTY && !process.env.NO_COLOR, width };
}
