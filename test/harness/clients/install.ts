/** Installs what this harness needs, outside of the checkout: a fresh clone finds it there again. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = process.env.RUNTRACE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runtrace');
const SOURCE = fileURLToPath(new URL('../../../../test/harness/clients/', import.meta.url));
/** Beside the compiled files, so that they find the packages. */
const LINK = fileURLToPath(new URL('node_modules', import.meta.url));

/** Installs the clients as their lock file says; returns a function that reads a client's `package.json`. */
export function installClients(): (name: string) => { version: string; engines?: { node?: string } } {
  const lock = readFileSync(join(SOURCE, 'package-lock.json'));
  const folder = join(CACHE, `clients-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(SOURCE, file), join(folder, file));
    npm(['ci', '--ignore-scripts'], folder);
    mkdirSync(done);
  }
  rmSync(LINK, { force: true });
  symlinkSync(join(folder, 'node_modules'), LINK);
  return (name) => JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
}

/** The binary of a version of Node, which comes as an npm package. */
export function installNode(version: string): string {
  const folder = join(CACHE, `node-${version}`);
  const binary = join(folder, 'node_modules', '.bin', 'node');
  if (!existsSync(binary)) npm(['install', '--no-save', '--prefix', folder, `node@${version}`], SOURCE);
  return binary;
}

function npm(args: readonly string[], cwd: string): void {
  const options = [...args, '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', options, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`npm ${args[0]} failed`);
}
