/**
 * `npm run first-run [NAME…]`: how long it takes from `npm install` to the first visible run, for runtrace and for two other packages, each by
 * its own README. Prints the table of docs/performance.md: the medians of three rounds, and the ratio to the first row. Exits with 1 if no run was visible.
 *
 * Each starts in an empty folder. npm's cache is warm: each row is installed once before. A model provider and a backend
 * stand in on this machine, so the time to open an account, which Langfuse's README begins with, is not in the figures.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { startProvider } from '../../../examples/demo/provider.js';
import { type Backend, startBackend } from '../../support/backend.js';
import { askedRows } from '../asked.js';
import { written } from '../consumers/process.js';
import { pack } from '../matrix/install.js';
import { PROGRAMS, type Program } from './programs.js';

const exec = promisify(execFile);

const ROUNDS = 3;

const names = process.argv.slice(2);
const isAsked = (name: string) => names.length === 0 || names.includes(name);
// Before there is anything to clean up.
askedRows(PROGRAMS('', ''), ({ name }) => name, isAsked);
const directory = mkdtempSync(join(tmpdir(), 'runtrace-first-run-'));
const provider = await startProvider();
const backend = await startBackend();
let failed = 0;
try {
  const tarball = await pack(directory);
  const readme = /```js\n(\/\/ app\.js\n[\s\S]*?)```/.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
  const programs = PROGRAMS(tarball, readme).filter(({ name }) => isAsked(name));
  const plays = new Map(programs.map((program) => [program, [] as Play[]]));
  for (const program of programs) await play(program, 'warm-up');
  // They take turns, so that a busy moment of the machine does not count for one alone.
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [program, played] of plays) played.push(await play(program, `round-${round}`));
  }
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}\n`,
  );
  console.log('| package | version | `npm install` | its program | together | lines of the program |');
  console.log('|---|---|---|---|---|---|');
  const own = plays.get(programs[0] as Program)?.map(together) ?? [];
  for (const [{ name, text }, played] of plays) {
    if (!played.every(({ isVisible }) => isVisible)) {
      failed++;
      console.log(`| \`${name}\` | no run was visible | | | | |`);
      continue;
    }
    const ratio = (median(played.map(together)) / median(own)).toFixed(2);
    const cells = [
      `\`${name}\``,
      played[0]?.version,
      `${median(played.map(({ installSeconds }) => installSeconds)).toFixed(1)} s`,
      `${median(played.map(({ runSeconds }) => runSeconds)).toFixed(1)} s`,
      `${median(played.map(together)).toFixed(1)} s, ${ratio} x`,
      text.trim().split('\n').length,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
} finally {
  await Promise.all([provider.close(), backend.close()]);
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

interface Play {
  readonly version: string;
  readonly installSeconds: number;
  readonly runSeconds: number;
  readonly isVisible: boolean;
}

function together({ installSeconds, runSeconds }: Play): number {
  return installSeconds + runSeconds;
}

async function play({ name, packages, text, shows }: Program, round: string): Promise<Play> {
  const folder = join(directory, name.replaceAll('/', '-'), round);
  mkdirSync(folder, { recursive: true });
  written(folder, { 'package.json': '{ "private": true, "type": "module" }', 'app.js': text });
  const installSeconds = await seconds(() => run('npm', ['install', '--no-audit', '--no-fund', ...packages], folder));
  const before = backend.bodies.length;
  let shown = '';
  const runSeconds = await seconds(async () => {
    await run(process.execPath, ['app.js'], folder);
    if (shows) shown = await run(process.execPath, shows, folder);
  });
  const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const isVisible = shows ? shown.includes('chat gpt-5') : hasArrived(before, backend);
  return { version, installSeconds, runSeconds, isVisible };
}

/** Whether the backend has got spans since then. */
function hasArrived(before: number, { bodies }: Backend): boolean {
  return bodies.slice(before).some(({ path, body }) => path.endsWith('/v1/traces') && body.length > 0);
}

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:OTEL|RUNTRACE|NODE|LANGFUSE|OPENAI|npm)_/.test(name),
  );
  const env = {
    ...Object.fromEntries(inherited),
    OTEL_EXPORTER_OTLP_ENDPOINT: backend.url,
    LANGFUSE_PUBLIC_KEY: 'pk-lf-none',
    LANGFUSE_SECRET_KEY: 'sk-lf-none',
    LANGFUSE_BASE_URL: backend.url,
    PROVIDER: `${provider.url}/v1`,
  };
  const { stdout } = await exec(command, args, { cwd, env, timeout: 180_000 });
  return stdout;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
