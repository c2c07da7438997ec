/** Installs what a program of this harness needs, outside of the checkout: a fresh clone finds it there again. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = process.env.RUNTRACE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runtrace');
const HARNESS = fileURLToPath(new URL('../../../test/harness/', import.meta.url));

/**
 * Installs the packages of a folder of the harness (`clients`) as its lock file says, and links them beside its compiled files, which find them
 * there. Returns a function that reads a package's `package.json`.
 */
export function installPackages(of: string): (name: string) => { version: string; engines?: { node?: string } } {
  const source = join(HARNESS, of);
  const link = fileURLToPath(new URL(`${of}/node_modules`, import.meta.url));
  const lock = readFileSync(join(source, 'package-lock.json'));
  const folder = join(
    CACHE,
    `${of.replaceAll('/', '-')}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`,
  );
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(folder, file));
    npm(['ci', '--ignore-scripts'], folder);
    mkdirSync(done);
  }
  rmSync(link, { force: true });
  symlinkSync(join(folder, 'node_modules'), link);
  return (name) => JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
}

/** The binary of a version of Node, which comes as an npm package. */
export function installNode(version: string): string {
  const folder = join(CACHE, `node-${version}`);
  const binary = join(folder, 'node_modules', '.bin', 'node');
  if (!existsSync(binary)) npm(['install', '--no-save', '--prefix', folder, `node@${version}`], HARNESS);
  return binary;
}

function npm(args: readonly string[], cwd: string): void {
  const options = [...args, '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', options, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`npm ${args[0]} failed`);
}
