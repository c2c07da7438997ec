import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Consumer } from './main.js';
import { node, written } from './process.js';
import { COMMONJS, ES_MODULE, PRINTS, REQUIRED, SAME_OBJECTS } from './programs.js';

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
];
