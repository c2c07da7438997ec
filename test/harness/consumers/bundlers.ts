import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Consumer } from './main.js';
import { node, written } from './process.js';
import { ES_MODULE, PRINTS, REQUIRED, SAME_OBJECTS } from './programs.js';

/** An application whose own modules import the package, and whose other modules require it. */
const MIXED = {
  'required.cjs': REQUIRED,
  'same-objects.mjs': SAME_OBJECTS,
  'record.mjs': ES_MODULE,
  'main.mjs': "import './same-objects.mjs';\nimport { record } from './record.mjs';\nrecord().then(console.log);",
};

export const BUNDLERS: readonly Consumer[] = [
  ...(['esm', 'cjs'] as const).map(
    (format): Consumer => ({
      name: `esbuild: a bundle (${format}) that imports and requires`,
      packages: [],
      use: async (app) => {
        const folder = written(join(app, `esbuild-${format}`), MIXED);
        const { metafile } = await build({
          entryPoints: [join(folder, 'main.mjs')],
          outfile: join(folder, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`),
          bundle: true,
          format,
          platform: 'node',
          target: 'node20',
          metafile: true,
          logLevel: 'silent',
          // The CommonJS packages of OpenTelemetry require Node's modules, which esbuild can't write as imports.
          ...(format === 'esm' && {
            banner: {
              js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
            },
          }),
        });
        onlyEsModules(Object.keys(metafile.inputs));
        assert.equal(await node([`bundle.${format === 'esm' ? 'mjs' : 'cjs'}`], folder), `${PRINTS}\n`);
      },
    }),
  ),
  {
    name: 'webpack 5: a bundle that imports and requires',
    packages: ['webpack@5'],
    use: async (app) => {
      const folder = written(join(app, 'webpack'), {
        ...MIXED,
        'webpack.mjs': `import webpack from ${JSON.stringify(pathToFileURL(join(app, 'node_modules/webpack/lib/index.js')))};
const options = { mode: 'production', target: 'node20', entry: './main.mjs', optimization: { concatenateModules: false },
  output: { path: import.meta.dirname, filename: 'bundle.cjs' } };
webpack(options, (error, stats) => {
  if (error || stats.hasErrors()) throw error ?? new Error(stats.toString({ all: false, errors: true }));
  const { modules } = stats.toJson({ all: false, modules: true, modulesSpace: 9999, nestedModules: true });
  console.log(JSON.stringify(modules.map(({ name }) => name)));
});`,
      });
      onlyEsModules(JSON.parse(await node(['webpack.mjs'], folder)));
      assert.equal(await node(['bundle.cjs'], folder), `${PRINTS}\n`);
    },
  },
];

/** Two copies of the package would be two states. */
function onlyEsModules(paths: readonly string[]): void {
  const ours = paths.filter((path) => /node_modules\/runtrace\/dist\//.test(path));
  assert.notDeepEqual(ours, []);
  assert.deepEqual(
    ours.filter((path) => path.endsWith('.cjs')),
    [],
  );
}
