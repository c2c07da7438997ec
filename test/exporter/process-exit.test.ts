import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseOtlpJson } from '../support/otlp-receiver.js';
import { namesOf } from '../support/spans.js';

const CHILD = fileURLToPath(new URL('./process-exit-child.js', import.meta.url));
/** Nothing listens there. */
const DEAD_URL = 'http://127.0.0.1:9/v1/traces';

async function run(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [CHILD, ...args]);
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  await once(child, 'close');
  return output;
}

test('a script that just ends is not held, and says how much it lost', async () => {
  const began = performance.now();
  const output = await run(DEAD_URL, '', 'end');
  assert.ok(performance.now() - began < 5000);
  assert.match(output, /spans are lost: the process ended without a shutdown/);
  assert.match(output, / 1 spans were lost/);
});

for (const how of ['end', 'exit', 'throw', 'exit in mid-shutdown']) {
  test(`what is in memory when the process ends by ${how} is on disk`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
    t.after(() => rmSync(directory, { recursive: true }));
    await run(DEAD_URL, directory, how);
    const [file] = readdirSync(directory);
    assert.deepEqual(namesOf(parseOtlpJson(readFileSync(join(directory, file as string), 'utf8')).spans), [
      'last words',
    ]);
  });
}
