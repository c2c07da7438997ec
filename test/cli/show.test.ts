import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeRequest } from '../../src/exporter/otlp/json.js';
import { endedSpans } from '../support/spans.js';
import { fileWith, runtrace } from './runtrace.js';

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
