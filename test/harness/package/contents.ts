import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { Finding } from './main.js';

/** Needed by who installs it, by who reads it, and by who steps through it: nothing else. */
const NEEDED = /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|src\/.+\.ts|dist\/.+\.(?:js|d\.ts)(?:\.map)?)$/;
const TEXTS = ['README.md', 'LICENSE', 'CHANGELOG.md'];

interface Pack {
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

/** What `npm pack` would put into the package. */
export function contents(): Finding[] {
  const json = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    encoding: 'utf8',
  });
  const [pack] = JSON.parse(json) as [Pack];
  const paths = pack.files.map(({ path }) => path);
  const has = new Set(paths);
  const needless = paths.filter((path) => !NEEDED.test(path));
  const missing = [...new Set([...TEXTS, ...entryPoints(), ...sourcesOf(paths)])].filter((path) => !has.has(path));
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`;
  return [
    {
      says: `package: ${paths.length} files, ${kilobytes(pack.size)} to load, ${kilobytes(pack.unpackedSize)} on disk`,
      holds: paths.length > 0,
    },
    { says: `package: holds nothing needless ${needless.join(' ')}`.trimEnd(), holds: needless.length === 0 },
    { says: `package: lacks nothing ${missing.join(' ')}`.trimEnd(), holds: missing.length === 0 },
  ];
}

/** Every file that package.json promises. */
function entryPoints(): string[] {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: object; bin: object };
  const leaves = (value: unknown): string[] =>
    typeof value === 'string' ? [posix.normalize(value)] : Object.values(value as object).flatMap(leaves);
  return leaves([manifest.exports, manifest.bin]);
}

/** Every file that a source map points to. */
function sourcesOf(paths: string[]): string[] {
  return paths
    .filter((path) => path.endsWith('.map'))
    .flatMap((path) => {
      const { sources } = JSON.parse(readFileSync(path, 'utf8')) as { sources: string[] };
      return sources.map((source) => posix.join(posix.dirname(path), source));
    });
}
