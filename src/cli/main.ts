#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { replay } from './replay.js';
import { show } from './show.js';

const USAGE = `Usage: runtrace show [--jaeger URL] FILE…
       runtrace replay [--url URL] [--header NAME=VALUE]… FILE…

  show    prints the runs in OTLP JSON files as trees
  replay  sends OTLP JSON files to an OTLP/HTTP endpoint

Options:
  --jaeger URL          where Jaeger's UI is (default: http://localhost:16686)
  --url URL             the endpoint, path included (default: what the OTEL_EXPORTER_OTLP_* variables say)
  --header NAME=VALUE   a header of every request
  --help                prints this
`;

/** Ends with 0 if all went well, 1 if not, 2 if it was called wrongly. */
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  // `runtrace show … | head` is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        jaeger: { type: 'string' },
        url: { type: 'string' },
        header: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const [command, ...files] = positionals;
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    if (command === 'show' && files.length > 0) return await show(files, values.jaeger);
    if (command === 'replay' && files.length > 0) {
      return await replay(files, { url: values.url, headers: toHeaders(values.header ?? []) });
    }
  } catch (error) {
    process.stderr.write(`runtrace: ${(error as Error).message}\n`);
  }
  process.stderr.write(USAGE);
  return 2;
}

function toHeaders(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=');
      // Not what it is: without the `=` it may be the secret itself.
      if (value.length === 0) throw new TypeError('--header must be NAME=VALUE, got a text without =');
      return [name, value.join('=')];
    }),
  );
}
