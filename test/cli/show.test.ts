import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { encodeRequest } from '../../src/exporter/otlp-json.js';
import { endedSpans } from '../support/spans.js';

const BIN = fileURLToPath(new URL('./main.js', new URL('../cli/', import.meta.resolve('runtrace/exporter'))));

function runtrace(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BIN, ...args]);
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

function fileWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'runtrace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'traces.jsonl');
  writeFileSync(path, text);
  return path;
}

const ofRun = (kind: string) =>
  encodeRequest(
    endedSpans(1, {
      attributes: () => ({ 'runtrace.run.id': 'id', 'runtrace.run.kind': kind, 'runtrace.status': 'completed' }),
    }),
  );

test('show prints the runs of every file', async (t) => {
  const first = fileWith(t, `${ofRun('chat_turn')}\n${ofRun('title')}\n`);
  const second = fileWith(t, JSON.stringify(JSON.parse(ofRun('compaction')), null, 2));
  const { code, out, err } = await runtrace('show', first, second, '--jaeger', 'http://jaeger:1');
  assert.deepEqual(out.match(/(?<=✔ )\w+/g), ['chat_turn', 'title', 'compaction']);
  assert.match(out, /http:\/\/jaeger:1\/trace\/[0-9a-f]{32}\n/);
  assert.deepEqual([code, err], [0, '']);
});

test('a torn line is reported with its number, the others are shown, and it ends with 1', async (t) => {
  const file = fileWith(t, `${ofRun('chat_turn')}\n`);
  appendFileSync(file, '{"resourceSpa');
  const { code, out, err } = await runtrace('show', file);
  assert.match(out, /chat_turn/);
  assert.match(err, /traces\.jsonl:2: /);
  assert.equal(code, 1);
});

test('a file that is not there is an error, wrong use prints the usage', async () => {
  const missing = await runtrace('show', '/nowhere.jsonl');
  assert.match(missing.err, /no such file/);
  assert.equal(missing.code, 1);
  for (const args of [[], ['show'], ['dance'], ['show', '--colour', 'x']]) {
    const { code, err } = await runtrace(...args);
    assert.match(err, /Usage: runtrace/);
    assert.equal(code, 2);
  }
  assert.equal((await runtrace('--help')).code, 0);
});
