import { readOtlpFile } from '../exporter/otlp/file-reader.js';
import type { ReadableSpan } from '../exporter/otlp/span.js';
import { complain, messageOf, outputLook, printLine } from './terminal.js';
import { tree } from './tree.js';

/** Prints the runs in OTLP files as trees. Returns the exit code of the process: 1 if a file or a line could not be read. */
export async function show(files: readonly string[], jaegerUrl: string | undefined): Promise<number> {
  const spans: ReadableSpan[] = [];
  let failures = 0;
  for (const file of files) {
    try {
      for await (const line of readOtlpFile(file)) {
        if ('spans' in line) {
          for (const span of line.spans) spans.push(span);
        } else {
          failures++;
          complain(`${file}:${line.number}: ${messageOf(line.error)}`);
        }
      }
    } catch (error) {
      failures++;
      complain(messageOf(error));
    }
  }
  const text = tree(spans, { ...outputLook(), ...(jaegerUrl && { jaegerUrl }) });
  if (text) process.stdout.write(text);
  else printLine(`No runs in ${spans.length} spans.`);
  return failures > 0 ? 1 : 0;
}
