/** The runtimes, each as an npm package, and how a cell runs on one. */
import { execFile } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Unavailable } from '../npm.js';
import { bundleWorker } from './bundle-worker.js';
import type { CellOptions } from './cell/cell.js';
import { install } from './install.js';
import type { Sdk } from './sdks.js';

const exec = promisify(execFile);
const CELL_TIMEOUT_MILLIS = 60_000;

/** A cell, ready to run. */
export interface Job {
  /** Where the SDK, runtrace and the cell's program are installed. */
  readonly directory: string;
  readonly sdk: Sdk;
  readonly options: CellOptions;
  /** The OTLP endpoint. */
  readonly otlp: string;
}

export interface Runtime {
  readonly name: string;
  /** Its version of Node, if it is Node. */
  readonly node?: string;
  /** Whether `runtrace/register` can be loaded by an option of the command, before the application. */
  readonly preloads: boolean;
  /** Why it can't run a set-up. */
  refuses(setUp: CellOptions['setUp']): string | undefined;
  /** Installs it; returns how to run a cell, which rejects if the cell fails. */
  install(directory: string): Promise<(job: Job) => Promise<void>>;
}

export const RUNTIMES: readonly Runtime[] = [
  node('20.19'),
  node('22'),
  node('24'),
  node('26'),
  {
    name: 'Bun',
    preloads: true,
    refuses: () => undefined,
    install: async (directory) => {
      const bun = await binaryOf(directory, 'bun@latest', 'bun');
      return processes(bun, ({ way }) => (way === 'register' ? ['--preload', 'runtrace/register'] : []));
    },
  },
  {
    name: 'Deno',
    preloads: false,
    refuses: () => undefined,
    install: async (directory) => {
      const deno = await binaryOf(directory, 'deno@latest', 'deno');
      return processes(deno, () => ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual']);
    },
  },
  {
    name: 'workerd',
    preloads: false,
    refuses: (setUp) => (setUp.startsWith('node') ? `${setUp} is made for Node.` : undefined),
    install: async (directory) => {
      // Miniflare, which runs workerd, runs on a newer Node than the oldest that runtrace does.
      const node = await binaryOf(directory, 'node@24', 'node', 'miniflare@latest');
      const host = join(directory, 'miniflare-host.js');
      copyFileSync(fileURLToPath(new URL('cell/miniflare-host.js', import.meta.url)), host);
      return async ({ directory: cell, sdk, options, otlp }) => {
        const script = await bundleWorker(cell, sdk, options, otlp);
        await run(node, [host, script, JSON.stringify(options)], directory, {});
      };
    },
  },
];

function node(version: string): Runtime {
  return {
    name: `Node ${version}`,
    node: version,
    preloads: true,
    refuses: () => undefined,
    install: async (directory) => {
      const binary = await binaryOf(directory, `node@${version}`, 'node');
      return processes(binary, ({ way }) => (way === 'register' ? ['--import', 'runtrace/register'] : []));
    },
  };
}

async function binaryOf(directory: string, name: string, binary: string, ...others: string[]): Promise<string> {
  await install(directory, [name, ...others]);
  const path = join(directory, 'node_modules', '.bin', binary);
  await run(path, ['--version'], directory, {}).catch((error) => {
    throw new Unavailable(`${name} does not run here: ${error.message}`);
  });
  return path;
}

function processes(binary: string, args: (options: CellOptions) => string[]): (job: Job) => Promise<void> {
  return ({ directory, options, otlp }) =>
    run(binary, [...args(options), 'cell/process.js', JSON.stringify(options)], directory, {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
    });
}

async function run(binary: string, args: string[], cwd: string, env: Record<string, string>): Promise<void> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:OTEL|RUNTRACE|NODE|npm)_/.test(name));
  const options = { cwd, env: { ...Object.fromEntries(inherited), ...env }, timeout: CELL_TIMEOUT_MILLIS };
  await exec(binary, args, options).catch((error: { stderr?: string; killed?: boolean }) => {
    const why = error.killed ? `gave no answer within ${CELL_TIMEOUT_MILLIS} ms` : error.stderr?.trim() || `${error}`;
    throw new Error(why.slice(-2000));
  });
}
