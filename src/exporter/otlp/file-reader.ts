import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { decodeRequest } from './json-reader.js';
import type { ReadableSpan } from './span.js';

/** A line of an OTLP file: its spans, or why it can't be read. */
export type OtlpLine = { number: number; spans: ReadableSpan[] } | { number: number; error: Error };

/** A line, or a document over many lines, may be as long as this. A text of more than 512 MiB can't exist in Node. */
const MOST_BYTES = 256 * 1024 * 1024;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * Reads an OTLP JSON file, line by line, so that a file may be larger than memory. A file that is one document over many lines
 * is read too. A line that is no request (torn by a crash, too long) is handed out as an error, and the rest is read.
 *
 * @throws (from the iteration) what reading the file throws.
 */
export async function* readOtlpFile(path: string): AsyncGenerator<OtlpLine> {
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (line === undefined) {
      yield { number, error: tooLong('the line') };
    } else if (number === 1 && /^\s*\{\s*$/.test(line)) {
      yield (await stat(path)).size > MOST_BYTES
        ? { number, error: tooLong('the document') }
        : decodeText(await readFile(path, 'utf8'), number);
      return;
    } else if (line.trim() !== '') {
      yield decodeText(line, number);
    }
  }
}

/** Line by line; `undefined` for one that is too long. Node's `readline` has no limit, and throws where a text gets too long. */
async function* linesOf(path: string): AsyncGenerator<string | undefined> {
  let parts: Buffer[] = [];
  let size = 0;
  const add = (part: Buffer) => {
    size += part.length;
    if (size <= MOST_BYTES) parts.push(part);
    else parts = [];
  };
  const take = (): string | undefined => {
    const line = size <= MOST_BYTES ? Buffer.concat(parts).toString('utf8') : undefined;
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    add(chunk.subarray(start));
  }
  if (size > 0) yield take();
}

function decodeText(text: string, number: number): OtlpLine {
  try {
    return { number, spans: decodeRequest(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text) };
  } catch (error) {
    return { number, error: error as Error };
  }
}

function tooLong(what: string): Error {
  return new Error(`${what} is longer than ${MOST_BYTES / 1024 / 1024} MiB`);
}
