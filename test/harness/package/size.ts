import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildResult, build } from 'esbuild';
import type { Finding } from './main.js';

/** The goal for the core, compressed. It was set without redaction and wire formats in mind, which alone are more. */
const CORE_GOAL_BYTES = 15_000;
/**
 * The core must not grow beyond this unnoticed. The table of some 200 key formats with the rules around names took it from 44 to 59 kB, nine
 * more wire formats to 78 kB, the excerpts of large bodies and the stricter judgement of random values to 86 kB, excerpts made from bytes,
 * values without a separator, passwords of commands and more hosts and error shapes to 94 kB, and passwords by their place, the reasons that
 * clients hide, deferred completions and more formats to 99 kB, bodies read as bytes, forms, and more marks around names to 102 kB, events
 * that come again with another text to 103 kB, Gemini's interactions to 104.6 kB, watsonx, Replicate and causes of failed deliveries to
 * 106.3 kB, and Cohere's first chat, paths of one provider and agents of a call to 107.0 kB.
 */
const CORE_GZIP_BYTES = 108_000;
/**
 * Minified. The rest of the core must not come along with a part of it. The processor redacts the attributes given to `reportStatus`, and
 * has the table of all that is reported once: a setting of the exporter that looks wrong took it from 76.0 to 76.1 kB.
 */
const ALONE_BYTES = { RunIdGenerator: 2_000, StatusPrioritySpanProcessor: 76_100 };

/** All files that a browser loads for the viewer's page, compressed. */
const PAGE_GZIP_BYTES = 60_000;

/** How big the package is in a bundle of an application, and the viewer's page in a browser. */
export async function size(): Promise<Finding[]> {
  const core = await bundled("export * from 'runtrace'", 'dist');
  // The files of `dist` don't tell the parts apart.
  const { outputs } = (await bundled("export * from 'runtrace'", 'src')).metafile;
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const bytesOf = (part: string) =>
    inputs.filter(([path]) => path.startsWith(part)).reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
  const bytes = minifiedBytes(core);
  const gzipped = gzipSync(text(core), { level: 9 }).length;
  const parts = ['src/capture/', 'src/providers/', 'src/'].map((part) => ({ part, bytes: bytesOf(part) }));
  const findings: Finding[] = [
    {
      says: `size: the core is ${kB(gzipped)} gzipped, ${kB(bytes)} minified (limit ${kB(CORE_GZIP_BYTES)}, goal ${kB(CORE_GOAL_BYTES)} gzipped)`,
      holds: gzipped <= CORE_GZIP_BYTES,
    },
    {
      says: `size: of that ${parts.map((it) => `${it.part} ${kB(it.bytes)}`).join(', ')} in all`,
      holds: parts.every((it) => it.bytes > 0),
    },
  ];
  for (const [name, limit] of Object.entries(ALONE_BYTES)) {
    const alone = minifiedBytes(await bundled(`export { ${name} } from 'runtrace'`, 'dist'));
    findings.push({
      says: `size: ${name} alone is ${kB(alone)} minified (limit ${kB(limit)})`,
      holds: alone <= limit,
    });
  }
  findings.push(pageSize());
  return findings;
}

function pageSize(): Finding {
  const files = readdirSync('dist/view', { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files
    .map(({ parentPath, name }) => gzipSync(readFileSync(join(parentPath, name)), { level: 9 }).length)
    .reduce((sum, size) => sum + size, 0);
  return {
    says: `size: the viewer's page is ${kB(bytes)} gzipped in ${files.length} files (limit ${kB(PAGE_GZIP_BYTES)})`,
    holds: files.length > 0 && bytes <= PAGE_GZIP_BYTES,
  };
}

type Bundle = BuildResult<{ write: false; metafile: true }>;

/** What a bundler makes of it: of our sources, to see what is in it, or of what is published. */
function bundled(contents: string, from: 'src' | 'dist'): Promise<Bundle> {
  return build({
    stdin: { contents, resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['@opentelemetry/*'],
    write: false,
    metafile: true,
    ...(from === 'src' && { alias: { runtrace: `./${relative('.', 'src/index.ts')}` } }),
  });
}

function text({ outputFiles }: Bundle): Uint8Array {
  const [file] = outputFiles;
  if (!file) throw new Error('esbuild made nothing');
  return file.contents;
}

function minifiedBytes(bundle: Bundle): number {
  return text(bundle).length;
}

function kB(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
