/**
 * Writes the JavaScript of the package to `dist`: ES modules that share their chunks, and the same files once more as CommonJS. The
 * viewer's page goes to `dist/view`.
 *
 * The command is a bundle of its own, with the packages that it uses and their licences.
 *
 * esbuild splits chunks only for ES modules. Entry points that are bundled to CommonJS one by one would each contain their own copy of the
 * state, so each finished ES module is converted by itself and requires its chunks.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { entryPoints } from './entry-points.js';
import { licencesOf } from './licences.js';

const OUT = 'dist';

/** The table of key formats says of each where it is documented and since when. No code reads that, and it takes 2 kB. */
const withoutSources = {
  name: 'without-sources',
  setup({ onLoad }) {
    onLoad({ filter: /keys[\\/]formats-\w+\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(/'[^'\n]*',(\s*)(?:19|20)\d\d(?=[,\]])/g, ',$1'),
      loader: 'ts',
    }));
  },
};

await build({
  entryPoints: entryPoints().map((name) => `src/${name}.ts`),
  outbase: 'src',
  outdir: OUT,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  plugins: [withoutSources],
  format: 'esm',
  target: 'es2022',
  // The package contains `src`, so the maps need no copy of it.
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
});

await build({
  entryPoints: [...entryPoints().map((name) => join(OUT, `${name}.js`)), ...chunks()],
  outbase: OUT,
  outdir: OUT,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  plugins: [
    {
      name: 'require-neighbours',
      setup({ onResolve }) {
        onResolve({ filter: /./ }, ({ path, kind }) => {
          if (kind === 'entry-point') return undefined;
          return { path: path.startsWith('.') ? path.replace(/\.js$/, '.cjs') : path, external: true };
        });
      },
    },
  ],
  format: 'cjs',
  platform: 'node',
  // CommonJS has no `import.meta`. What it is used for, `createRequire`, takes a path as well as a URL.
  define: { 'import.meta.url': '__filename' },
  // Jest gives CommonJS files no `import()`. It becomes a `require`, which is called as late.
  supported: { 'dynamic-import': false },
  target: 'es2022',
  logLevel: 'warning',
});

// The command brings everything that it needs: it runs in projects that have nothing of OpenTelemetry.
const { metafile } = await build({
  entryPoints: ['src/cli/main.ts', 'src/cli/view/preload.ts'],
  outbase: 'src',
  outdir: OUT,
  chunkNames: 'cli/chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  mainFields: ['module', 'main'],
  // Its bundled CommonJS modules require Node's own.
  banner: {
    js: "import { createRequire as createRequire_ } from 'node:module'; const require = createRequire_(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});
writeFileSync(join(OUT, 'cli/LICENSES.txt'), licencesOf(metafile));

// The viewer's page: one script and one style sheet beside the HTML. A browser loads them, so they are minified.
const PAGE = 'src/view/page';
await build({
  entryPoints: [join(PAGE, 'page.tsx')],
  outdir: join(OUT, 'view', 'assets'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'eof',
  logLevel: 'warning',
});
mkdirSync(join(OUT, 'view', 'assets'), { recursive: true });
copyFileSync(join(PAGE, 'index.html'), join(OUT, 'view', 'index.html'));
copyFileSync(join(PAGE, 'icon.svg'), join(OUT, 'view', 'assets', 'icon.svg'));

function chunks() {
  return readdirSync(join(OUT, 'chunks'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(OUT, 'chunks', name));
}
