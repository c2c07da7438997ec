import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { RunRow } from '../../src/view/model.js';
import { heldProvider } from '../support/held-provider.js';
import { until } from '../support/until.js';
import { openEvents, projectWith, rowsIn, startViewer } from '../support/viewer.js';

const CALL = `
export const call = (more = {}) => fetch(process.env.BASE_URL + '/chat/completions', {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: 'Bearer sk-test-1234567890abcdef1234567890', ...more },
  body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'How are you?' }] }),
}).then((response) => response.text());
`;
/** A client that retries as the model clients do. */
const RETRYING = `
import OpenAI from 'openai';
const client = new OpenAI({ apiKey: 'sk-test', baseURL: process.env.BASE_URL });
await client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'How are you?' }] });
`;

const last = <T>(list: readonly T[]) => list.at(-1) as T;

describe('a run in progress', () => {
  test('shows the attempt in flight, then the wait and the last answer, then its span', async (t) => {
    const provider = await heldProvider(t);
    const cwd = projectWith(t, { 'app.mjs': RETRYING }, ['openai']);
    const viewer = await startViewer(t, { args: ['--', 'node', 'app.mjs'], cwd, env: { BASE_URL: provider.baseUrl } });
    const events = await openEvents(t, viewer);
    await until(() => rowsIn(events).some(({ stepCount }) => stepCount === 1));
    const { traceId } = last(rowsIn(events));
    const step = async () => {
      const { spans } = await viewer.detail(traceId);
      return spans.find(({ kind }) => kind === 'step');
    };
    await until(async () => (await step())?.attempts[0]?.status === 'in_flight');
    const flying = await step();
    assert.deepEqual([flying?.status, flying?.endMillis, flying?.attempts.length], ['in_progress', undefined, 1]);
    assert.deepEqual([last(rowsIn(events)).status, last(rowsIn(events)).live], ['in_progress', true]);

    await provider.answer(429, { 'retry-after-ms': '1500' });
    await until(async () => (await step())?.waiting !== undefined);
    const waiting = await step();
    assert.equal(waiting?.waiting?.askedMillis, 1500);
    assert.equal(waiting?.waiting?.sinceMillis, waiting?.attempts[0]?.endMillis);
    assert.equal(waiting?.attributes['runtrace.status'], 'error');
    await until(() => last(rowsIn(events)).attemptCodes.join() === '429');
    assert.equal(last(rowsIn(events)).status, 'in_progress');

    await provider.answer();
    await until(() => last(rowsIn(events)).status === 'completed');
    const row = last(rowsIn(events));
    assert.deepEqual([row.attemptCodes, row.live, row.lostContact], [['429', '200'], false, false]);
    assert.ok(row.waitedMillis >= 1500, `${row.waitedMillis}`);
    assert.deepEqual([(await step())?.waiting, (await step())?.attempts.length], [undefined, 2]);
    assert.equal((await viewer.runs()).runs.length, 1);
  });

  test('is at the capture level of its run, and redacted', async (t) => {
    for (const [level, quotes] of [
      ['metadata', false],
      ['content', true],
    ] as const) {
      const provider = await heldProvider(t);
      const cwd = projectWith(t, {
        'call.mjs': CALL,
        'app.mjs': `import { call } from './call.mjs'; await call(); await call();`,
      });
      const env = { BASE_URL: provider.baseUrl, RUNTRACE_CAPTURE: level };
      const viewer = await startViewer(t, { args: ['--', 'node', 'app.mjs'], cwd, env });
      await provider.answer(500);
      await until(async () => {
        const [run] = (await viewer.runs()).runs.filter(({ attemptCodes }) => attemptCodes.length > 0);
        return run?.live === true;
      });
      const [{ traceId }] = (await viewer.runs()).runs as [RunRow];
      const text = JSON.stringify(await viewer.detail(traceId));
      assert.equal(text.includes('How are you?'), quotes, level);
      assert.equal(text.includes('Slow down'), quotes, level);
      assert.doesNotMatch(text, /sk-test/);
      provider.answerAll();
    }
  });

  test('of a killed process stays in progress, and contact is lost after 15 s without a sign of life', {
    timeout: 60_000,
  }, async (t) => {
    const provider = await heldProvider(t);
    const cwd = projectWith(t, {
      'call.mjs': CALL,
      'app.mjs': `import { call } from './call.mjs'; console.log('pid', process.pid); await call();`,
      // The viewer does not end with it.
      'main.cjs': `require('node:child_process').spawn('node', ['app.mjs'], { stdio: 'inherit' }); setInterval(() => {}, 1000);`,
    });
    const viewer = await startViewer(t, { args: ['--', 'node', 'main.cjs'], cwd, env: { BASE_URL: provider.baseUrl } });
    const events = await openEvents(t, viewer);
    await until(() => rowsIn(events).some(({ stepCount }) => stepCount === 1));
    process.kill(Number(/pid (\d+)/.exec(viewer.out())?.[1]), 'SIGKILL');
    const killedAt = performance.now();
    assert.deepEqual([last(rowsIn(events)).status, last(rowsIn(events)).lostContact], ['in_progress', false]);
    await until(() => last(rowsIn(events)).lostContact, 30_000);
    const seconds = (performance.now() - killedAt) / 1000;
    assert.ok(seconds > 9 && seconds < 22, `${seconds} s`);
    assert.equal(last(rowsIn(events)).status, 'in_progress');
  });
});

test('a server that does not know the handshake gets one request and nothing else, and the program goes on', async (t) => {
  const requests: string[] = [];
  const collector = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers['x-runtrace-live']}`);
    request.resume();
    response.end('{"partialSuccess":{}}');
  });
  // Some servers send back what they get.
  collector.on('upgrade', (request, socket) => {
    requests.push(`${request.method} ${request.url}`);
    const echo = `x-runtrace-live: ${request.headers['x-runtrace-live']}`;
    socket.on('data', (chunk) => requests.push(String(chunk)));
    socket.on('error', () => undefined);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: runtrace-live/1\r\n${echo}\r\n\r\n`,
    );
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    collector.closeAllConnections();
    collector.close();
  });
  const { port } = collector.address() as AddressInfo;
  const program = `
    import { run } from 'runtrace';
    await run({ kind: 'k' }, () => new Promise((resolve) => setTimeout(resolve, 600)));
    console.log('done');`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'runtrace/register', '--input-type=module', '-e', program],
    { env: { ...process.env, RUNTRACE_VIEW: `http://127.0.0.1:${port}` } },
  );
  assert.equal(stdout, 'done\n');
  assert.deepEqual(requests, ['GET /live']);
});

test('an address that is not on this machine is reported, not quoted, and not used', async () => {
  const program = `
    import { diag, DiagLogLevel } from '@opentelemetry/api';
    const quiet = () => undefined;
    diag.setLogger({ error: quiet, warn: (text) => console.log(text), info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
    await import('runtrace/register');`;
  for (const address of ['http://viewer.example:4318', 'https://127.0.0.1:4318', 'http://10.0.0.1:4318', 'a secret']) {
    const env = { ...process.env, RUNTRACE_VIEW: address };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
    assert.match(stdout, /RUNTRACE_VIEW must be the http address of a viewer on this machine/);
    assert.ok(!stdout.includes(address));
  }
});
