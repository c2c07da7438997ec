import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseOtlpJson, startOtlpReceiver } from '../../support/otlp-receiver.js';
import { namesOf } from '../../support/spans.js';

const CHILD = fileURLToPath(new URL('./process-exit-child.js', import.meta.url));
/** Nothing listens there. */
const DEAD_URL = 'http://127.0.0.1:9/v1/traces';

/** What a process prints on both streams. */
async function run(...args: string[]): Promise<{ out: string; err: string }> {
  const child = spawn(process.execPath, [CHILD, ...args]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await once(child, 'close');
  return { out, err };
}

test('a script that just ends is not held, and says how much it lost', async () => {
  const began = performance.now();
  const { err } = await run(DEAD_URL, '', 'end');
  assert.ok(performance.now() - began < 5000);
  assert.match(err, /spans are lost: the process ended without a shutdown/);
  assert.match(err, / 1 spans were lost/);
});

test('a script that just ends delivers what ended last', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const { err } = await run(receiver.url, '', 'end');
  assert.deepEqual(namesOf(receiver.spans()), ['last words']);
  assert.equal(err, '');
});

test('a script that just ends while the endpoint is down is not held by retries', async (t) => {
  const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'status', status: 503 }) });
  t.after(receiver.close);
  const began = performance.now();
  const { err } = await run(receiver.url, '', 'end');
  assert.ok(performance.now() - began < 5000);
  assert.match(err, / 1 spans were lost/);
  assert.equal(receiver.requests.length, 1);
});

test('with nothing listening on this machine, a shutdown gives up within a second, says what was lost, and the process ends', async () => {
  const began = performance.now();
  const { out, err } = await run('http://localhost:9/v1/traces', '', 'shutdown');
  const { millis, stats } = JSON.parse(out);
  assert.ok(millis < 1000, `${millis} ms`);
  assert.ok(performance.now() - began < 5000);
  assert.equal(stats.dropped.spans, 1);
  assert.match(err, /http:\/\/localhost:9\/v1\/traces: spans are lost: nothing listens there/);
  assert.match(err, / 1 spans were lost/);
});

test('with nothing listening but a spool, a shutdown puts what is left on disk', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const { out } = await run(DEAD_URL, directory, 'shutdown');
  assert.equal(JSON.parse(out).stats.spooled.spans, 1);
});

for (const how of ['end', 'exit', 'throw']) {
  test(`what is in memory when the process ends by ${how} is in the file of an OTLPFileExporter, behind what was torn off`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'traces.jsonl');
    writeFileSync(path, '{"resourceSpans":[{"reso');
    const { err } = await run(path, '', how);
    const [, line = '', end] = readFileSync(path, 'utf8').split('\n');
    assert.deepEqual([namesOf(parseOtlpJson(line).spans), end], [['last words'], '']);
    assert.doesNotMatch(err, /lost/);
  });
}

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
