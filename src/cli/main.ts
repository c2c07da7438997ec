#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { readOtlpFile } from '../exporter/read.js';
import type { ReadableSpan } from '../exporter/span.js';
import { tree } from './tree.js';

const USAGE = `Usage: runtrace show [--jaeger URL] FILE…

  show    prints the runs in OTLP JSON files as trees

Options:
  --jaeger URL   where Jaeger's UI is (default: http://localhost:16686)
  --help         prints this
`;

/** Ends with 0; 1 if a file could not be read or a line of it, 2 if it was called wrongly. */
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  // `runtrace show … | head` is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { jaeger: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    const [command, ...files] = positionals;
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    if (command === 'show' && files.length > 0) return await show(files, values.jaeger);
  } catch (error) {
    process.stderr.write(`runtrace: ${(error as Error).message}\n`);
  }
  process.stderr.write(USAGE);
  return 2;
}

async function show(files: readonly string[], jaegerUrl: string | undefined): Promise<number> {
  const spans: ReadableSpan[] = [];
  let failures = 0;
  for (const file of files) {
    try {
      for await (const line of readOtlpFile(file)) {
        if ('spans' in line) spans.push(...line.spans);
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

  function complain(message: string): void {
    failures++;
    process.stderr.write(`runtrace: ${message}\n`);
  }
}
