import { readOtlpFile } from '../exporter/otlp/file-reader.js';
import type { ReadableSpan } from '../exporter/otlp/span.js';
import { tree } from './tree.js';

/** Prints the runs in OTLP files. Returns the process's exit code. */
export async function show(files: readonly string[], jaegerUrl: string | undefined): Promise<number> {
  const spans: ReadableSpan[] = [];
  let failures = 0;
  const complain = (message: string) => {
    failures++;
    process.stderr.write(`runtrace: ${message}\n`);
  };
  for (const file of files) {
    try {
      for await (const line of readOtlpFile(file)) {
        if ('spans' in line) for (const span of line.spans) spans.push(span);
        else complain(`${file}:${line.number}: ${line.error.message}`);
      }
    } catch (error) {
      complain((error as Error).message);
    }
  }
  const text = tree(spans, {
    colors: process.stdout.isTTY && !process.env.NO_COLOR,
    width: process.stdout.columns || 100,
    ...(jaegerUrl && { jaegerUrl }),
  });
  process.stdout.write(text || `No runs in ${spans.length} spans.\n`);
  return failures > 0 ? 1 : 0;
}
