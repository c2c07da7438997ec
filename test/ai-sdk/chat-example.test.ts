import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseOtlpJson, type ReceivedSpan } from '../support/otlp-receiver.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/ai-sdk-chat/main.js', import.meta.url));

test('the chat route of the examples shows each visit as a run, however it ends', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'runtrace-chat-'));
  try {
    const file = join(directory, 'traces.jsonl');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLE, file]);
    assert.equal(stderr, '');
    assert.match(stdout, /^Take sunglasses: it is sunny in Lisbon\.$/m);
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const spans = lines.flatMap((line) => parseOtlpJson(line).spans);
    const visit = (id: string) => {
      const inside = spans.filter(({ attributes }) => attributes['gen_ai.conversation.id'] === id);
      const status = ({ attributes }: ReceivedSpan) => attributes['runtrace.status'];
      const [run] = inside.filter(({ parentSpanId }) => !parentSpanId);
      const steps = inside
        .filter(({ parentSpanId }) => parentSpanId)
        .sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
      assert.ok(run, id);
      return [status(run), ...steps.map((step) => [status(step), step.attributes['runtrace.step.attempt_codes']])];
    };
    assert.deepEqual(visit('answered'), ['completed', ['completed', ['429', '200']], ['completed', ['200']]]);
    assert.deepEqual(visit('closed'), ['interrupted', ['interrupted', ['200']]]);
    assert.deepEqual(visit('down'), ['completed', ['error', ['503', '503', '503']]]);
    assert.equal(spans.filter(({ name }) => name === 'execute_tool weather').length, 1);
  } finally {
    await rm(directory, { recursive: true });
  }
});
