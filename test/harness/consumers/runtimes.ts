import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Consumer } from './main.js';
import { node, written } from './process.js';
import { COMMONJS, DELIVERED, delivers, ES_MODULE, PRINTS, REQUIRED, SAME_OBJECTS } from './programs.js';

const GRPC = '@opentelemetry/exporter-trace-otlp-grpc@0.223';

export const RUNTIMES: readonly Consumer[] = [
  {
    name: 'Node: import',
    packages: [],
    use: async (app) => {
      const folder = written(join(app, 'node-import'), {
        'record.mjs': ES_MODULE,
        'main.mjs': "import { record } from './record.mjs';\nconsole.log(await record());",
      });
      assert.equal(await node(['main.mjs'], folder), `${PRINTS}\n`);
    },
  },
  {
    name: 'Node: require',
    packages: [],
    use: async (app) => {
      const folder = written(join(app, 'node-require'), {
        'record.cjs': COMMONJS,
        'main.cjs': "require('./record.cjs').record().then(console.log);",
      });
      assert.equal(await node(['main.cjs'], folder), `${PRINTS}\n`);
    },
  },
  {
    name: 'Node: import and require give the same objects',
    packages: [],
    use: async (app) => {
      const files = { 'required.cjs': REQUIRED, 'main.mjs': SAME_OBJECTS };
      await node(['main.mjs'], written(join(app, 'node-both'), files));
    },
  },
  {
    name: 'Jest 30',
    packages: ['jest@30'],
    use: async (app) => {
      const test = `const { record } = require('./record.cjs');
test('records', async () => expect(await record()).toBe('${PRINTS}'));
test('knows no module-sync, and so gets the CommonJS file', () => {
  expect(require.resolve('runtrace')).toMatch(/index\\.cjs$/);
});`;
      const folder = written(join(app, 'jest'), {
        'package.json': '{ "type": "commonjs", "jest": { "testEnvironment": "node" } }',
        'record.cjs': COMMONJS,
        'record.test.js': test,
      });
      await node([join(app, 'node_modules/jest/bin/jest.js'), '--ci', '--no-cache'], folder);
    },
  },
  {
    name: 'Node: the CommonJS file delivers over HTTP and gRPC',
    packages: [GRPC],
    use: async (app) => {
      const file = join(app, 'node_modules/runtrace/dist/exporter.cjs');
      const folder = written(join(app, 'node-delivers'), {
        'deliver.cjs': delivers(file),
        'main.cjs': "require('./deliver.cjs').deliver().then(console.log);",
      });
      assert.equal(await node(['main.cjs'], folder), `${DELIVERED}\n`);
    },
  },
  {
    name: 'Jest 30: delivers over HTTP and gRPC',
    packages: ['jest@30', GRPC],
    use: async (app) => {
      const folder = written(join(app, 'jest-delivers'), {
        'package.json': '{ "type": "commonjs", "jest": { "testEnvironment": "node" } }',
        'deliver.cjs': delivers('runtrace/exporter'),
        'deliver.test.js': `test('delivers', async () => expect(await require('./deliver.cjs').deliver()).toBe('${DELIVERED}'));`,
      });
      await node([join(app, 'node_modules/jest/bin/jest.js'), '--ci', '--no-cache'], folder);
    },
  },
  {
    name: 'pnpm: delivers over HTTP and gRPC',
    packages: ['pnpm@10'],
    use: async (app) => {
      const folder = withOwnModules(app, 'pnpm');
      await node([join(app, 'node_modules/pnpm/bin/pnpm.cjs'), 'install', '--ignore-scripts'], folder);
      assert.equal(await node(['main.cjs'], folder), `${DELIVERED}\n`);
    },
  },
  {
    name: 'Yarn Plug’n’Play: delivers over HTTP and gRPC',
    packages: ['@yarnpkg/cli-dist@4'],
    use: async (app) => {
      const yarn = join(app, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js');
      const folder = written(withOwnModules(app, 'yarn'), {
        '.yarnrc.yml':
          'nodeLinker: pnp\nenableTelemetry: false\nenableScripts: false\nenableImmutableInstalls: false\n',
        'yarn.lock': '',
      });
      await node([yarn, 'install'], folder);
      assert.equal(await node([yarn, 'node', 'main.cjs'], folder), `${DELIVERED}\n`);
    },
  },
];

/** An application of its own, which another package manager is to install. */
function withOwnModules(app: string, name: string): string {
  const { dependencies } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8'));
  const tarball = join(app, dependencies.runtrace.replace('file:', ''));
  return written(join(app, name), {
    'package.json': JSON.stringify({
      private: true,
      dependencies: {
        runtrace: `file:${tarball}`,
        '@opentelemetry/api': '~1.9.0',
        '@opentelemetry/sdk-trace-base': '~2.12.0',
        '@opentelemetry/exporter-trace-otlp-grpc': '~0.223.0',
      },
    }),
    'deliver.cjs': delivers('runtrace/exporter'),
    'main.cjs': "require('./deliver.cjs').deliver().then(console.log);",
  });
}
