/** The tests of the recording fetch once more, where runtrace cannot observe a body in place and returns a rebuilt Response. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../fetch/', import.meta.url));
const preload = new URL('reads-by-other-ways.js', import.meta.url).href;
/** These do not depend on how the body is observed, try both ways themselves, or say which one it is. */
const OTHERS = ['any-use.test.js', 'own-response.test.js', 'request.test.js'];
const files = readdirSync(folder).filter((name) => name.endsWith('.test.js') && !OTHERS.includes(name));

for (const file of files) {
  test(`${file}, with a rebuilt Response`, { timeout: 100_000 }, () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const args = ['--expose-gc', '--import', preload, '--test-reporter=tap', folder + file];
    const { status, stdout } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
    assert.equal(
      status,
      0,
      stdout
        .split('\n')
        .filter((line) => /not ok|error:/.test(line))
        .join('\n'),
    );
    assert.match(stdout, /^# pass [1-9]/m);
  });
}
