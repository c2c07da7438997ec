import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { decodeRequest } from './json.js';
import type { ReadableSpan } from './span.js';

/** What a line of an OTLP file held: its spans, or why it could not be read. */
export type OtlpLine = { number: number; spans: ReadableSpan[] } | { number: number; error: Error };

/**
 * Reads an OTLP JSON file, line by line, so that a file may be larger than memory. A file that is one
 * document over many lines is read too. A line that is no request (torn by a crash, say) is handed out as an error.
 *
 * @throws what reading the file throws.
 */
export async function* readOtlpFile(path: string): AsyncGenerator<OtlpLine> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() === '') continue;
    if (number === 1 && /^\s*\{\s*$/.test(line)) {
      yield decodeLine(await readFile(path, 'utf8'), 1);
      return;
    }
    yield decodeLine(line, number);
  }
}

function decodeLine(line: string, number: number): OtlpLine {
  try {
    return { number, spans: decodeRequest(line) };
  } catch (error) {
    return { number, error: error as Error };
  }
}
