import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';

describe('npm run example', () => {
  for (const args of [[], ['opennai']]) {
    test(`lists the examples and exits with 1 ${args.length > 0 ? 'for a name that it does not know' : 'without a name'}`, () => {
      const { status, stdout, stderr } = spawnSync('npm', ['run', '-s', 'example', ...args], { encoding: 'utf8' });
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /^npm run example NAME, .*: ai-sdk-chat\/main, anthropic, .*openai/);
      assert.doesNotMatch(stderr, /MODULE_NOT_FOUND|tracing/);
    });
  }
});
