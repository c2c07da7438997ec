/**
 * `npm run first-run [NAME…]`: how long it takes from `npm install` to the first visible run, for runtrace and for two other packages, each by
 * its own README. Prints a row for each. Exits with 1 if no run was visible.
 *
 * Each starts in an empty folder. npm's cache is warm: each row installs twice, and the second time counts. A model provider and a backend
 * stand in on this machine, so the time to open an account, which Langfuse's README begins with, is not in the figures.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { startProvider } from '../../../examples/demo/provider.js';
import { type Backend, startBackend } from '../../support/backend.js';
import { written } from '../consumers/process.js';
import { pack } from '../matrix/install.js';
import { PROGRAMS, type Program } from './programs.js';

const exec = promisify(execFile);

const names = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'runtrace-first-run-'));
const provider = await startProvider();
const backend = await startBackend();
let failed = 0;
try {
  const tarball = await pack(directory);
  const readme = /```js\n(\/\/ app\.js\n[\s\S]*?)```/.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
  for (const program of PROGRAMS(tarball, readme).filter(({ name }) => names.length === 0 || names.includes(name))) {
    await play(program, 'warm-up');
    const { installSeconds, runSeconds, isVisible } = await play(program, 'measured');
    if (!isVisible) failed++;
    const figures = [
      `npm install ${installSeconds.toFixed(1)} s`,
      `program ${runSeconds.toFixed(1)} s`,
      `together ${(installSeconds + runSeconds).toFixed(1)} s`,
      `${program.packages.length} packages named`,
      `${program.text.trim().split('\n').length} lines`,
    ];
    console.log(`${program.name}: ${isVisible ? figures.join(', ') : 'no run was visible'}`);
  }
} finally {
  await Promise.all([provider.close(), backend.close()]);
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

async function play(
  { name, packages, text, shows }: Program,
  round: string,
): Promise<{ installSeconds: number; runSeconds: number; isVisible: boolean }> {
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
  return { installSeconds, runSeconds, isVisible: shows ? shown.includes('chat gpt-5') : hasArrived(before, backend) };
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
