import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { Finding } from './main.js';

/**
 * Users need to install the package, to read about it, and to step through it. The maps of the ES modules point to `src`, so that a stack
 * trace and a debugger show TypeScript with its comments. The CommonJS files have no maps: only tools that don't know `module-sync` load
 * them, and they are not minified. Declarations have none either, because the files that they would point to are not there.
 */
const NEEDED = [
  /^(?:package\.json|README\.md|LICENSE|(?:CHANGELOG|CONTRIBUTING|SECURITY)\.md)$/,
  /^docs\/.+\.(?:md|png|svg)$/,
  /^examples\/.+\.(?:ts|md|yaml|json)$/,
  /^src\/.+\.(?:tsx?|html|css|js|json|svg)$/,
  /^dist\/(?:.+\/)?[^/]+\.(?:js|js\.map|cjs)$/,
  /^dist\/cli\/LICENSES\.txt$/,
  /^dist\/view\/.+\.(?:html|css|svg)$/,
];
const TEXTS = ['README.md', 'LICENSE', 'CHANGELOG.md'];

interface Pack {
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

interface Manifest {
  main: string;
  types: string;
  typesVersions: object;
  exports: object;
  bin: object;
}

/** What `npm pack` would put into the package. */
export function contents(): Finding[] {
  const json = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    encoding: 'utf8',
  });
  const [pack] = JSON.parse(json) as [Pack];
  const paths = pack.files.map(({ path }) => path);
  const has = new Set(paths);
  const promised = promisedFiles();
  const declarations = new Set(promised.filter((path) => /\.d\.c?ts$/.test(path)));
  const needless = paths.filter((path) => !declarations.has(path) && !NEEDED.some((needed) => needed.test(path)));
  const missing = [...new Set([...TEXTS, ...promised, ...sourcesOf(paths)])].filter((path) => !has.has(path));
  const broken = paths.filter((path) => path.endsWith('.md')).flatMap((path) => brokenLinks(path, paths));
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`;
  return [
    {
      says: `package: ${paths.length} files, ${kilobytes(pack.size)} to load, ${kilobytes(pack.unpackedSize)} on disk`,
      holds: paths.length > 0,
    },
    { says: `package: has no needless file ${needless.join(' ')}`.trimEnd(), holds: needless.length === 0 },
    { says: `package: lacks no file ${missing.join(' ')}`.trimEnd(), holds: missing.length === 0 },
    { says: `package: each link leads to a file in it ${broken.join(' ')}`.trimEnd(), holds: broken.length === 0 },
  ];
}

/** Each file that package.json names. */
function promisedFiles(): string[] {
  const { main, types, typesVersions, exports, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  const leaves = (value: unknown): string[] =>
    typeof value === 'string' ? [posix.normalize(value)] : Object.values(value as object).flatMap(leaves);
  return leaves([main, types, typesVersions, exports, bin]);
}

/** Each file that a source map points to. */
function sourcesOf(paths: string[]): string[] {
  return paths
    .filter((path) => path.endsWith('.map'))
    .flatMap((path) => {
      const { sources } = JSON.parse(readFileSync(path, 'utf8')) as { sources: string[] };
      return sources.map((source) => posix.join(posix.dirname(path), source));
    });
}

/** The relative links of a Markdown file that lead to no file or folder of the package. */
function brokenLinks(path: string, paths: readonly string[]): string[] {
  const targets = [...readFileSync(path, 'utf8').matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(
    ([, target]) => `${target}`,
  );
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const to = posix.join(posix.dirname(path), target).replace(/\/$/, '');
      return !paths.some((packed) => packed === to || packed.startsWith(`${to}/`));
    })
    .map((target) => `${path}: ${target}`);
}
