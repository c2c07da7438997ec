import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Finding } from './finding.js';

/** One copy of a package on disk. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Its folder, relative to the project's. */
  readonly folder: string;
}

/** A project may have very many packages; the search stops here. */
const MAX_FOLDERS = 50_000;

/**
 * Every copy of the packages that `isWanted` accepts, in the `node_modules` folders of the project and of the folders above it. Reads
 * only package.json files; it runs no code of the project.
 */
export function installedPackages(project: string, isWanted: (name: string) => boolean): InstalledPackage[] {
  const found: InstalledPackage[] = [];
  const seen = new Set<string>();
  const pending: string[] = [];
  for (let folder = project; ; folder = dirname(folder)) {
    pending.push(join(folder, 'node_modules'));
    if (folder === dirname(folder)) break;
  }
  for (let next = pending.pop(); next !== undefined && seen.size < MAX_FOLDERS; next = pending.pop()) {
    const modules = realPath(next);
    if (modules === undefined || seen.has(modules)) continue;
    seen.add(modules);
    // pnpm keeps the packages here, each beside its own dependencies.
    for (const stored of folderNames(join(modules, '.pnpm')))
      pending.push(join(modules, '.pnpm', stored, 'node_modules'));
    for (const name of packageNames(modules)) {
      const folder = realPath(join(modules, name));
      if (folder === undefined || seen.has(folder)) continue;
      seen.add(folder);
      pending.push(join(folder, 'node_modules'));
      const version = isWanted(name) ? versionIn(folder) : undefined;
      if (version !== undefined) found.push({ name, version, folder: relative(project, folder) });
    }
  }
  return found.sort((a, b) => a.name.localeCompare(b.name) || a.folder.localeCompare(b.folder));
}

function packageNames(modules: string): string[] {
  return folderNames(modules).flatMap((name) =>
    name.startsWith('@') ? folderNames(join(modules, name)).map((scoped) => `${name}/${scoped}`) : [name],
  );
}

function folderNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Any other text is not printed. */
const VERSION = /^\d+\.\d+\.\d+[\w.+-]{0,40}$/;
const MAX_FILE_BYTES = 1 << 20;

function versionIn(folder: string): string | undefined {
  try {
    const path = join(folder, 'package.json');
    const file = statSync(path);
    if (!file.isFile() || file.size > MAX_FILE_BYTES) return undefined;
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown };
    if (typeof version !== 'string') return undefined;
    return VERSION.test(version) ? version : 'of an unreadable version';
  } catch {
    return undefined;
  }
}

/** What is to be said of the copies of OpenTelemetry's packages. */
export function checkPackages(packages: readonly InstalledPackage[]): Finding[] {
  const about = 'packages';
  const versionsOf = (name: string) => [
    ...new Set(packages.filter((installed) => installed.name === name).map(({ version }) => version)),
  ];
  const findings: Finding[] = [];
  const api = versionsOf('@opentelemetry/api');
  if (api.length === 0) {
    findings.push({
      about,
      state: 'wrong',
      text: '@opentelemetry/api is not installed',
      fix: 'npm install @opentelemetry/api',
    });
  } else if (api.length > 1) {
    const copies = packages.filter(({ name }) => name === '@opentelemetry/api');
    findings.push({
      about,
      state: 'wrong',
      text: `@opentelemetry/api is there in ${api.length} versions: ${copies.map(({ version, folder }) => `${version} (${folder})`).join(', ')}`,
      fix: 'make npm install one version: npm dedupe, or an override in package.json; a copy does not see an SDK that an older copy registered',
    });
  } else findings.push({ about, state: 'ok', text: `@opentelemetry/api ${api[0]}` });
  const sdks = ['@opentelemetry/sdk-trace', '@opentelemetry/sdk-trace-base'].flatMap((name) =>
    versionsOf(name).map((version) => ({ name, version })),
  );
  if (sdks.length === 0) {
    findings.push({
      about,
      state: 'wrong',
      text: 'no OpenTelemetry SDK is installed, so nothing is recorded',
      fix: 'npm install @opentelemetry/sdk-node',
    });
  }
  for (const { name, version } of sdks) {
    findings.push(
      Number.parseInt(version, 10) < 2
        ? {
            about,
            state: 'wrong',
            text: `${name} ${version} is too old`,
            fix: 'runtrace needs version 2 or later of the SDK',
          }
        : { about, state: 'ok', text: `${name} ${version}` },
    );
  }
  for (const { name, version } of packages) {
    if (name === 'runtrace' || name === '@opentelemetry/sdk-node')
      findings.push({ about, state: 'ok', text: `${name} ${version}` });
  }
  return findings;
}
