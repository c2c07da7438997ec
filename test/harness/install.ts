/** Installs what a program of this harness needs, outside of the checkout: a fresh clone finds it there again. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.js';

const CACHE = process.env.RUNTRACE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runtrace');
const QUIETLY = ['--no-audit', '--no-fund'];
const HARNESS = fileURLToPath(new URL('../../../test/harness/', import.meta.url));

/**
 * Installs the packages of a folder of the harness (`clients`) as its lock file says, and links them beside its compiled files, which find them
 * there. Resolves to a function that reads a package's `package.json`.
 */
export async function installPackages(
  of: string,
): Promise<(name: string) => { version: string; engines?: { node?: string } }> {
  const source = join(HARNESS, of);
  const link = fileURLToPath(new URL(`${of}/node_modules`, import.meta.url));
  const lock = readFileSync(join(source, 'package-lock.json'));
  const folder = join(
    CACHE,
    `${of.replaceAll('/', '-')}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`,
  );
  // npm writes it last.
  if (!existsSync(join(folder, 'node_modules', '.package-lock.json'))) {
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(folder, file));
    await npm(['ci', '--ignore-scripts', ...QUIETLY], folder);
  }
  rmSync(link, { force: true });
  symlinkSync(join(folder, 'node_modules'), link);
  return (name) => JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
}

/** The binary of a version of Node, which comes as an npm package. */
export async function installNode(version: string): Promise<string> {
  const folder = join(CACHE, `node-${version}`);
  const binary = join(folder, 'node_modules', '.bin', 'node');
  if (!existsSync(binary)) {
    await npm(['install', '--no-save', '--prefix', folder, `node@${version}`, ...QUIETLY], HARNESS);
  }
  return binary;
}
