import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { playExample } from '../../support/examples.js';

/** Each program of the folder, and the one in a folder of its own. The demo has tests of its own. */
const EXAMPLES = readdirSync(fileURLToPath(new URL('../../../examples', import.meta.url)))
  .filter((file) => file.endsWith('.js') && file !== 'tracing.js')
  .map((file) => file.replace('.js', ''))
  .concat('ai-sdk-chat/main');

/** A backend that gives no answer. */
const silent = createServer(() => {});

describe('an example whose backend', () => {
  test('is not there says so, and ends', async () => {
    for (const example of EXAMPLES) {
      const { code, stderr } = await playExample(example, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
      assert.equal(code, 0, stderr);
      assert.deepEqual(codesOf(stderr), ['RUNTRACE_DELIVERY_FAILED'], `${example}: ${stderr}`);
      assert.match(stderr, /ECONNREFUSED/);
    }
  });

  test('gives no answer says so, and then ends within two seconds', async () => {
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    try {
      for (const example of EXAMPLES) {
        const { code, stderr, reportedAt } = await playExample(example, {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        });
        const seconds = (performance.now() - reportedAt) / 1000;
        assert.equal(code, 0, stderr);
        assert.deepEqual(codesOf(stderr), ['RUNTRACE_DELIVERY_FAILED'], `${example}: ${stderr}`);
        assert.ok(seconds < 2, `${example} ended ${seconds} s after its report`);
      }
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });
});

/** The codes of the warnings; two processes may report the same. */
function codesOf(stderr: string): string[] {
  return [...new Set([...stderr.matchAll(/\[(RUNTRACE_\w+)\]/g)].map(([, code]) => String(code)))];
}
