#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { doctor } from './doctor/doctor.js';
import { replay } from './replay.js';
import { show } from './show.js';
import { complain, messageOf } from './terminal.js';

const USAGE = `Usage: runtrace show [--jaeger URL] FILE…
       runtrace replay [--url URL] [--header NAME=VALUE]… FILE…
       runtrace doctor [--send] [--json]

  show    prints the runs in OTLP JSON files as trees
  replay  sends OTLP JSON files to an OTLP/HTTP endpoint
  doctor  checks the set-up of the project in the current folder

Options:
  --jaeger URL          the address of Jaeger's page (default: http://localhost:16686)
  --url URL             the endpoint, path included (default: from the OTEL_EXPORTER_OTLP_* variables)
  --header NAME=VALUE   a header of every request
  --send                lets the doctor send one span to an endpoint that is not on this machine
  --json                prints JSON
  --help                prints this text
`;

/** 0: all went well. 1: something failed. 2: wrong arguments. */
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  // `runtrace show … | head` closes the pipe early, which is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return wrongUse(messageOf(error));
  }
  const { values, positionals } = parsed;
  const [command, ...files] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const headers = readHeaders(values.header ?? []);
  if (headers === undefined) return wrongUse('--header must be NAME=VALUE');
  const isComplete =
    command === 'doctor' ? files.length === 0 : files.length > 0 && (command === 'show' || command === 'replay');
  if (!isComplete) return wrongUse();
  try {
    if (command === 'doctor') return await doctor({ send: values.send === true, json: values.json === true });
    if (command === 'show') return await show(files, values.jaeger);
    return await replay(files, { url: values.url, headers });
  } catch (error) {
    // A `TypeError` of runtrace names a bad option.
    if (error instanceof TypeError && error.message.startsWith('runtrace: ')) {
      return wrongUse(error.message.slice('runtrace: '.length));
    }
    complain(messageOf(error));
    return 1;
  }
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      jaeger: { type: 'string' },
      url: { type: 'string' },
      header: { type: 'string', multiple: true },
      send: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function wrongUse(message?: string): number {
  if (message !== undefined) complain(message);
  process.stderr.write(USAGE);
  return 2;
}

/** `undefined` if one of them has no `=`. A header may hold a key, so the caller does not quote it. */
function readHeaders(pairs: readonly string[]): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) return undefined;
    headers[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return headers;
}
