/** The tests of the recording fetch once more, where a body can't be observed in place and passes through a stream of ours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const preload = new URL('reads-by-other-ways.js', import.meta.url).href;
const OTHERS = ['other-platforms.test.js', 'any-use.test.js', 'request.test.js'];
const files = readdirSync(here).filter((name) => name.endsWith('.test.js') && !OTHERS.includes(name));

for (const file of files) {
  test(`${file}, on a platform that reads bodies by ways of its own`, { timeout: 100_000 }, () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const args = ['--expose-gc', '--import', preload, '--test-reporter=tap', here + file];
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
