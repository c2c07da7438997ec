#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { doctor } from './doctor/doctor.js';
import { replay } from './replay.js';
import { show } from './show.js';
import { tail } from './tail.js';
import { complain, messageOf } from './terminal.js';
import { LEAST_MEMORY, type ViewOptions } from './view/open-viewer.js';
import { view } from './view/view.js';

const USAGE = `Usage: runtrace view [--port PORT] [--host HOST] [--memory MB] [--jaeger URL] [--prices FILE] [FILE… | -- COMMAND…]
       runtrace tail [--port PORT] [--host HOST] [--memory MB] [--jaeger URL] [--json] [-- COMMAND…]
       runtrace show [--jaeger URL] FILE…
       runtrace replay [--url URL] [--header NAME=VALUE]… FILE…
       runtrace doctor [--send] [--json]

  view    serves a page that shows runs as they happen: those sent to it by OTLP, those in OTLP JSON files, or
          those of a Node program that it starts: runtrace view -- node app.js
  tail    prints the runs that are sent to it, while they go on, or those of a Node program that it starts, as trees
  show    prints the runs in OTLP JSON files as trees
  replay  sends OTLP JSON files to an OTLP/HTTP endpoint
  doctor  checks the set-up of the project in the current folder

Options:
  --port PORT           the port of the page and of OTLP/HTTP (default: 4318, or the next one that is free)
  --host HOST           the address to listen on (default: 127.0.0.1, which only this machine reaches)
  --memory MB           how much memory the viewer may use; the oldest runs leave first (default: 256)
  --prices FILE         dollars per million tokens, by model: {"gpt-5": {"input": 1.25, "output": 10}}
  --jaeger URL          the address of Jaeger's page (default: http://localhost:16686 for show, none for view and tail)
  --url URL             the endpoint, path included (default: from the OTEL_EXPORTER_OTLP_* variables)
  --header NAME=VALUE   a header of every request
  --send                lets the doctor send one span to an endpoint that is not on this machine
  --json                prints JSON
  --help                prints this text
`;

/** What each command takes, beside `--help`. */
const COMMANDS: Readonly<
  Record<string, { files: 'none' | 'some' | 'any'; options: readonly string[]; program?: true }>
> = {
  view: { files: 'any', options: ['port', 'host', 'memory', 'jaeger', 'prices'], program: true },
  tail: { files: 'none', options: ['port', 'host', 'memory', 'jaeger', 'json'], program: true },
  show: { files: 'some', options: ['jaeger'] },
  replay: { files: 'some', options: ['url', 'header'] },
  doctor: { files: 'none', options: ['send', 'json'] },
};

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
  const { values, positionals, program } = parsed;
  const [command, ...files] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (command === undefined) return wrongUse();
  const wrong = wrongUseOf(command, files, program, Object.keys(values));
  if (wrong !== undefined) return wrongUse(wrong);
  const headers = readHeaders(values.header ?? []);
  if (headers === undefined) return wrongUse('--header must be NAME=VALUE');
  try {
    if (command === 'tail') return await tail({ ...viewOptions(values), json: values.json === true, program });
    if (command === 'view') return await view({ files, program }, viewOptions(values));
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

/** What is wrong with the arguments of a command, if anything is. */
function wrongUseOf(
  command: string,
  files: readonly string[],
  program: readonly string[] | undefined,
  options: readonly string[],
): string | undefined {
  const takes = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (!takes) return `there is no command '${command}'`;
  const option = options.find((name) => !takes.options.includes(name));
  if (option !== undefined) return `${command} has no option --${option}`;
  if (program && !takes.program) return `${command} starts no program`;
  if (program?.length === 0) return `behind -- a program must follow: runtrace ${command} -- node app.js`;
  const start = takes.program ? `; to start a program: runtrace ${command} -- ${files.join(' ')}` : '';
  if (takes.files === 'none' && files.length > 0) return `${command} takes no file${start}`;
  if (takes.files === 'some' && files.length === 0) return `${command} needs a file`;
  return program && files.length > 0 ? `${command} takes files or a program, not both` : undefined;
}

/** What stands behind `--` is a program with its own arguments. */
function parse(args: string[]) {
  const end = args.indexOf('--');
  const program = end < 0 ? undefined : args.slice(end + 1);
  const parsed = parseArgs({
    args: end < 0 ? args : args.slice(0, end),
    allowPositionals: true,
    options: {
      jaeger: { type: 'string' },
      port: { type: 'string' },
      host: { type: 'string' },
      memory: { type: 'string' },
      prices: { type: 'string' },
      url: { type: 'string' },
      header: { type: 'string', multiple: true },
      send: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  return { ...parsed, program };
}

/** Throws a `TypeError` that names a bad option. */
function viewOptions({ port, host, memory, jaeger, prices }: ReturnType<typeof parse>['values']): ViewOptions {
  return {
    port: port === undefined ? undefined : integer('--port', port, 0, 65_535),
    host,
    memory: memory === undefined ? 256 : integer('--memory', memory, LEAST_MEMORY, 1_000_000),
    jaegerUrl: jaeger,
    prices,
    packageUrl: new URL('../../', import.meta.url),
  };
}

function integer(option: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new TypeError(`runtrace: ${option} must be an integer from ${least} to ${most}, got '${text}'`);
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
