import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type JsonObject, object } from '../../util/json-fields.js';
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
  const pending = withFoldersAbove(project).map((folder) => join(folder, 'node_modules'));
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

function withFoldersAbove(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...withFoldersAbove(above)];
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
  const version = packageJsonIn(folder)?.version;
  if (typeof version !== 'string') return undefined;
  return VERSION.test(version) ? version : 'of an unreadable version';
}

function packageJsonIn(folder: string): JsonObject | undefined {
  try {
    const path = join(folder, 'package.json');
    const file = statSync(path);
    return file.isFile() && file.size <= MAX_FILE_BYTES ? object(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
  } catch {
    return undefined;
  }
}

/** The package of the SDK's providers, which also comes with runtrace, for its exporter. */
const SDK_TRACE = '@opentelemetry/sdk-trace';
const OTHER_SDKS = ['@opentelemetry/sdk-node', '@opentelemetry/sdk-trace-node', '@opentelemetry/sdk-trace-base'];

/** Whether the project has a package to start an SDK with: one that does not come with runtrace, or `sdk-trace` by its own wish. */
function hasOwnSdk(project: string, packages: readonly InstalledPackage[]): boolean {
  return (
    packages.some(({ name }) => OTHER_SDKS.includes(name)) ||
    withFoldersAbove(project).some((folder) => {
      const { dependencies, devDependencies } = packageJsonIn(folder) ?? {};
      return [dependencies, devDependencies].some((names) => object(names)?.[SDK_TRACE] !== undefined);
    })
  );
}

/** What is to be said of the copies of OpenTelemetry's packages that the project has. */
export function checkPackages(project: string, packages: readonly InstalledPackage[]): Finding[] {
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
  const sdks = [SDK_TRACE, '@opentelemetry/sdk-trace-base'].flatMap((name) =>
    versionsOf(name).map((version) => ({ name, version })),
  );
  if (sdks.length === 0) {
    findings.push({
      about,
      state: 'wrong',
      text: 'no OpenTelemetry SDK is installed, so nothing is recorded',
      fix: 'npm install @opentelemetry/sdk-node',
    });
  } else if (!hasOwnSdk(project, packages)) {
    findings.push({
      about,
      state: 'note',
      text: 'no OpenTelemetry SDK but the part that came with runtrace: unless another package starts one, nothing is recorded',
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
