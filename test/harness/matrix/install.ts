import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from '../npm.js';

/** Packs runtrace as it would be published; returns the file. */
export async function pack(directory: string): Promise<string> {
  await npm(['pack', '--ignore-scripts', '--pack-destination', directory], '.');
  const [tarball] = readdirSync(directory).filter((name) => name.endsWith('.tgz'));
  if (!tarball) throw new Error('npm pack made nothing');
  return join(directory, tarball);
}

const QUIETLY = ['--no-audit', '--no-fund', '--prefer-offline'];
const INSTALL = ['install', '--strict-peer-deps', ...QUIETLY];

/** Installs packages into a new directory, as an application would have them. Rejects with npm's words, at the least conflict too. */
export async function install(directory: string, packages: readonly string[]): Promise<string> {
  begin(directory);
  await add(directory, packages);
  return directory;
}

/** Installs further packages. */
export async function add(directory: string, packages: readonly string[]): Promise<void> {
  await npm([...INSTALL, ...packages], directory);
}

/**
 * Installs packages that may conflict with those that are there: `@mistralai/mistralai` 2.7 wants one minor version of the OTLP exporter, as an
 * optional peer.
 */
export async function addAnyway(directory: string, packages: readonly string[]): Promise<void> {
  await npm(['install', '--legacy-peer-deps', ...QUIETLY, ...packages], directory);
}

/** Rejects if the packages can't be installed together. Nothing is. */
export async function resolve(directory: string, packages: readonly string[]): Promise<void> {
  begin(directory);
  await npm([...INSTALL, '--package-lock-only', ...packages], directory);
}

function begin(directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}');
}
