/**
 * Rolls the declarations of the package up to one file for each entry point, once for ES modules and once for CommonJS. What several entry
 * points need is declared in `index` only: a class that was declared twice would be two incompatible types.
 *
 * TypeScript 7 emits the declarations; it has no stable JavaScript API yet, so rollup-plugin-dts reads them with that of TypeScript 6.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { entryPoints } from './entry-points.js';

const inner = mkdtempSync(join(tmpdir(), 'runtrace-declarations-'));
try {
  execFileSync('node_modules/.bin/tsc', ['--emitDeclarationOnly', '--outDir', inner], { stdio: 'inherit' });
  const bundle = await rollup({
    input: Object.fromEntries(entryPoints().map((name) => [name, join(inner, `${name}.d.ts`)])),
    external: (path) => !/^[./]/.test(path),
    plugins: [dts(), { name: 'inherited-docs', renderChunk: withInheritedDocs }],
    // `runtrace/register` exports nothing.
    onLog: (level, log, handler) => {
      if (log.code === 'EMPTY_BUNDLE') return;
      if (log.plugin === 'dts') throw new Error(`${log.message} Export the type, or mark what needs it as @internal.`);
      handler(level, log);
    },
  });
  for (const extension of ['.d.ts', '.d.cts']) {
    await bundle.write({
      dir: 'dist',
      format: 'es',
      entryFileNames: `[name]${extension}`,
      chunkFileNames: `chunks/[name]${extension}`,
      manualChunks,
    });
  }
  await bundle.close();
} finally {
  rmSync(inner, { recursive: true, force: true });
}

/** An editor shows a comment as it is, so each `{@inheritDoc Recorder.run}` becomes the comment that it names. */
function withInheritedDocs(code) {
  return code.replaceAll(/\/\*\* \{@inheritDoc (\w+)\.(\w+)\} \*\//g, (_, type, member) => {
    const [, fields = ''] = new RegExp(`^interface ${type} \\{\n([\\s\\S]*?)^\\}`, 'm').exec(code) ?? [];
    const [, comment] = new RegExp(`(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/)\\s+${member}\\b`).exec(fields) ?? [];
    if (!comment) throw new Error(`${type}.${member} has no comment to inherit`);
    return comment.replaceAll(/^ {4}/gm, '');
  });
}

/** Without this, rollup puts what `index` shares with another entry point into a file of its own. */
function manualChunks(id, { getModuleInfo }) {
  const reached = (file, seen = new Set()) => {
    if (file === join(inner, 'index.d.ts')) return true;
    if (seen.has(file)) return false;
    seen.add(file);
    return (getModuleInfo(file)?.importers ?? []).some((importer) => reached(importer, seen));
  };
  return reached(id) ? 'index' : undefined;
}
