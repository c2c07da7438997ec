import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseOtlpJson, startOtlpReceiver } from '../support/otlp-receiver.js';

const CHILD = fileURLToPath(new URL('./process-end-child.js', import.meta.url));
/** Nothing listens there. */
const DEAD_URL = 'http://127.0.0.1:9/v1/traces';

describe('a process that ends with a run in progress', () => {
  for (const how of ['end', 'exit', 'throw']) {
    for (const given of ['keep', 'no keep', 'exporter']) {
      test(`by ${how}, with ${given}, has it on disk as interrupted`, async (t) => {
        const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
        t.after(() => rmSync(directory, { recursive: true }));
        await once(spawn(process.execPath, [CHILD, DEAD_URL, directory, how, given]), 'close');
        const spans = readdirSync(directory, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .flatMap((file) => parseOtlpJson(readFileSync(join(file.parentPath, file.name), 'utf8')).spans);
        const open = { 'chat m': 'interrupted', 'invoke_workflow open': 'interrupted' };
        assert.deepEqual(
          Object.fromEntries(spans.map(({ name, attributes }) => [name, attributes['runtrace.status']])),
          given === 'no keep' ? { ...open, 'invoke_workflow settled': 'completed' } : open,
        );
      });
    }
  }

  for (const given of ['keep', 'no keep', 'exporter']) {
    test(`by itself, with ${given}, delivers it as interrupted`, async (t) => {
      const receiver = await startOtlpReceiver();
      t.after(() => receiver.close());
      await once(spawn(process.execPath, [CHILD, receiver.url, '', 'end', given]), 'close');
      const open = { 'chat m': 'interrupted', 'invoke_workflow open': 'interrupted' };
      assert.deepEqual(
        Object.fromEntries(receiver.spans().map(({ name, attributes }) => [name, attributes['runtrace.status']])),
        given === 'no keep' ? { ...open, 'invoke_workflow settled': 'completed' } : open,
      );
    });
  }
});
