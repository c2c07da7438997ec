import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Consumer } from './main.js';
import { node, written } from './process.js';
import { ES_MODULE, PRINTS } from './programs.js';

const VERSIONS = { '5.9': 'typescript-5.9@npm:typescript@~5.9.0', '7': 'typescript-7@npm:typescript@~7.0.0' };
type Version = keyof typeof VERSIONS;

/** A way in which a compiler looks modules up. */
interface Resolution {
  readonly name: string;
  readonly versions: readonly Version[];
  readonly type: 'module' | 'commonjs';
  readonly options: Readonly<Record<string, unknown>>;
}

const RESOLUTIONS: readonly Resolution[] = [
  ...(['module', 'commonjs'] as const).flatMap((type): Resolution[] => [
    { name: 'node16', versions: ['5.9', '7'], type, options: { module: 'node16' } },
    { name: 'nodenext', versions: ['5.9', '7'], type, options: { module: 'nodenext' } },
  ]),
  {
    name: 'bundler',
    versions: ['5.9', '7'],
    type: 'module',
    options: { module: 'esnext', moduleResolution: 'bundler' },
  },
  // TypeScript 7 refuses it.
  { name: 'node10', versions: ['5.9'], type: 'commonjs', options: { module: 'commonjs', moduleResolution: 'node10' } },
];

/** The program compiles, with the declarations checked, and runs. */
export const COMPILERS: readonly Consumer[] = RESOLUTIONS.flatMap(({ name, versions, type, options }) =>
  versions.map((version): Consumer => {
    const kind = type === 'module' ? 'an ES module' : 'CommonJS';
    return {
      name: `TypeScript ${version}: ${name}, ${kind}`,
      packages: [VERSIONS[version]],
      use: async (app) => {
        const folder = written(join(app, `typescript-${version}-${name}-${type}`), {
          'package.json': JSON.stringify({ type }),
          'tsconfig.json': JSON.stringify({ compilerOptions: { ...COMPILER_OPTIONS, ...options }, files: ['main.ts'] }),
          'main.ts': `${ES_MODULE}\nrecord().then(console.log);\n`,
        });
        await node([join(app, `node_modules/typescript-${version}/bin/tsc`), '-p', '.'], folder);
        assert.equal(await node(['main.js'], folder), `${PRINTS}\n`);
      },
    };
  }),
);

const COMPILER_OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
  types: ['node'],
};
