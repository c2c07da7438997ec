import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { HANDSHAKE_HEADER, PROTOCOL, proofOf } from '../../src/live/protocol.js';
import type { RunRow } from '../../src/view/model.js';
import { heldProvider } from '../support/held-provider.js';
import { freePorts } from '../support/server-process.js';
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

describe('a run in progress', { concurrency: true }, () => {
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

  test('shows the tool call and the nested run that go on now, then how they ended', async (t) => {
    const provider = await heldProvider(t);
    const program = `
      import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
      import { createRecorder, wrapFetch } from 'runtrace';
      const tracerProvider = new NodeTracerProvider();
      tracerProvider.register();
      const { run, tool } = createRecorder({ tracerProvider, capture: 'content' });
      const call = () => wrapFetch(fetch)(process.env.BASE_URL + '/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'How are you?' }] }),
      }).then((response) => response.text());
      await run({ kind: 'chat_turn' }, () =>
        tool({ name: 'weather', callId: 'call_1', arguments: { city: 'Lisbon' } }, async () => {
          await run({ kind: 'summary' }, call);
          throw new TypeError('no weather today');
        })).catch(() => undefined);
      setInterval(() => {}, 1000);`;
    const args = ['--', 'node', '--input-type=module', '-e', program];
    const viewer = await startViewer(t, { args, env: { BASE_URL: provider.baseUrl } });
    const shown = async () => {
      const [run] = (await viewer.runs()).runs;
      const { spans } = run ? await viewer.detail(run.traceId) : { spans: [] };
      return spans.map(({ depth, kind, name, status }) => `${depth} ${kind} ${name}: ${status}`);
    };
    await until(async () => (await shown()).length === 4);
    assert.deepEqual(await shown(), [
      '0 run invoke_workflow chat_turn: in_progress',
      '1 tool execute_tool weather: in_progress',
      '2 run invoke_workflow summary: in_progress',
      '3 step chat gpt-5: in_progress',
    ]);
    const [{ traceId }] = (await viewer.runs()).runs as [RunRow];
    const toolNow = async () => (await viewer.detail(traceId)).spans.find(({ kind }) => kind === 'tool');
    assert.equal((await toolNow())?.attributes['gen_ai.tool.call.arguments'], '{"city":"Lisbon"}');
    await provider.answer();
    await until(async () => (await shown())[0] === '0 run invoke_workflow chat_turn: error');
    assert.deepEqual((await shown()).slice(1), [
      '1 tool execute_tool weather: error',
      '2 run invoke_workflow summary: completed',
      '3 step chat gpt-5: completed',
    ]);
    assert.equal((await toolNow())?.attributes['error.type'], 'TypeError');
    assert.equal((await viewer.runs()).runs.length, 1);
  });

  test('is shown among thousands of others, and none of those stays in progress when it has ended', async (t) => {
    const program = `
      import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
      import { createRecorder, StatusPrioritySpanProcessor } from 'runtrace';
      // Nothing is exported: the viewer knows what the live channel tells.
      const tracerProvider = new NodeTracerProvider({ spanProcessors: [new StatusPrioritySpanProcessor()] });
      tracerProvider.register();
      const { run, startRun } = createRecorder({ tracerProvider });
      const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      for (let i = 0; i < 100; i++) {
        await Promise.all(Array.from({ length: 60 }, () => run({ kind: 'short' }, turn)));
        await turn();
      }
      startRun({ kind: 'hangs' });
      setInterval(() => {}, 1000);`;
    const viewer = await startViewer(t, { args: ['--', 'node', '--input-type=module', '-e', program] });
    const kinds = async (isLive: boolean) =>
      (await viewer.runs()).runs.filter(({ live }) => live === isLive).map(({ kind }) => kind);
    await until(async () => (await kinds(true)).includes('hangs'), 30_000);
    await until(async () => (await kinds(true)).join() === 'hangs');
    assert.ok((await kinds(false)).length > 100, `${(await kinds(false)).length} were shown`);
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

test('a viewer that reads nothing keeps no program from its end, and makes it store no more than the bound', async (t) => {
  const viewer = createServer();
  viewer.on('upgrade', (request, socket) => {
    const proof = proofOf(String(request.headers[HANDSHAKE_HEADER]));
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${PROTOCOL}\r\n${HANDSHAKE_HEADER}: ${proof}\r\n\r\n`,
    );
    t.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => viewer.listen(0, '127.0.0.1', resolve));
  t.after(() => viewer.close());
  const { port } = viewer.address() as AddressInfo;
  const program = `
    import 'runtrace/register';
    import { createRecorder, StatusPrioritySpanProcessor } from 'runtrace';
    import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
    const tracerProvider = new NodeTracerProvider({ spanProcessors: [new StatusPrioritySpanProcessor()] });
    tracerProvider.register();
    const { run } = createRecorder({ tracerProvider });
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
    const some = async (count) => {
      for (let i = 0; i < count; i++) await run({ kind: 'k', attributes: { text: String(i).padEnd(50_000) } }, turn);
      gc();
      const { heapUsed, external } = process.memoryUsage();
      return (heapUsed + external) / 1024 / 1024;
    };
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = await some(300);
    const grownMegabytes = (await some(2000)) - before;
    console.log(JSON.stringify({ grownMegabytes, endedAt: Date.now() }));`;
  const env = { ...process.env, RUNTRACE_VIEW: `http://127.0.0.1:${port}` };
  const args = ['--expose-gc', '--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
  const { grownMegabytes, endedAt } = JSON.parse(stdout);
  const millis = Date.now() - endedAt;
  assert.ok(millis < 10_000, `it ended ${millis} ms later`);
  // The 2000 runs had 100 MB. What may wait: 1 MB in the socket, and 400 runs that have ended.
  assert.ok(grownMegabytes < 30, `${grownMegabytes} MB`);
});

test('an address that is not on this machine is reported once, at the first run, not quoted, and not used', async () => {
  const program = `
    import { diag, DiagLogLevel } from '@opentelemetry/api';
    import 'runtrace/register';
    import { run } from 'runtrace';
    import 'runtrace/exporter';
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
    import { trace } from '@opentelemetry/api';
    const quiet = () => undefined;
    diag.setLogger({ error: quiet, warn: (text) => console.log(text), info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
    trace.setGlobalTracerProvider(new BasicTracerProvider());
    for (let i = 0; i < 10; i++) await run({ kind: 'k' }, () => undefined);`;
  for (const address of ['http://viewer.example:4318', 'https://127.0.0.1:4318', 'http://10.0.0.1:4318', 'a secret']) {
    const env = { ...process.env, RUNTRACE_VIEW: address };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
    const reports = stdout.split('\n').filter((line) => line.includes('RUNTRACE_VIEW'));
    assert.equal(reports.length, 1, stdout);
    assert.match(reports[0] as string, /must be the http address of a viewer on this machine/);
    assert.ok(!stdout.includes(address));
  }
});

test('the fake timers of a test, which may be numbers, break nothing', async () => {
  const program = `
    const real = { setTimeout, setInterval };
    for (const name of ['setTimeout', 'setInterval']) globalThis[name] = (...args) => Number(real[name](...args));
    const { diag, trace } = await import('@opentelemetry/api');
    const reports = [];
    const quiet = () => undefined;
    diag.setLogger({ error: quiet, warn: (text) => reports.push(text), info: quiet, debug: quiet, verbose: quiet });
    process.on('uncaughtException', ({ message }) => reports.push(message));
    await import('runtrace/register');
    const { run } = await import('runtrace');
    const { BasicTracerProvider } = await import('@opentelemetry/sdk-trace-base');
    trace.setGlobalTracerProvider(new BasicTracerProvider());
    await run({ kind: 'k' }, () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The set-up exports nothing, which is reported too.
    console.log(JSON.stringify(reports.filter((text) => !/\\[RUNTRACE_\\w+\\]$/.test(text))));
    process.exit();`;
  const { port } = await freePorts('port');
  const env = { ...process.env, RUNTRACE_VIEW: `http://127.0.0.1:${port}` };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
  assert.deepEqual(JSON.parse(stdout), []);
});

describe('where no viewer listens', { concurrency: true }, () => {
  /** Runs a CommonJS program and returns the JSON that it prints. */
  const outputOf = async (program: string) => {
    const { port } = await freePorts('port');
    const env = { ...process.env, RUNTRACE_VIEW: `http://127.0.0.1:${port}` };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--expose-gc', '-e', program], { env });
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  };

  test('runs that have ended leave memory, and nothing is reported', async () => {
    const { grownMegabytes, reports } = await outputOf(`
      require('runtrace/register');
      const { diag, trace } = require('@opentelemetry/api');
      const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
      const { context } = require('@opentelemetry/api');
      const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
      const { run, StatusPrioritySpanProcessor } = require('runtrace');
      const { setTimeout: sleep } = require('node:timers/promises');
      const reports = [];
      const quiet = () => undefined;
      diag.setLogger({ error: quiet, warn: (text) => reports.push(text), info: quiet, debug: quiet, verbose: quiet });
      const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => undefined };
      const provider = new BasicTracerProvider({
        spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)],
      });
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      trace.setGlobalTracerProvider(provider);
      const runs = async (count) => {
        for (let i = 0; i < count; i++) await run({ kind: 'k', attributes: { text: String(i).padEnd(50_000) } }, () => undefined);
        await provider.forceFlush();
        await sleep(50);
        gc();
        return process.memoryUsage().heapUsed / 1024 / 1024;
      };
      (async () => {
        await runs(50);
        await sleep(300);
        const before = await runs(1);
        const grownMegabytes = (await runs(2500)) - before;
        console.log(JSON.stringify({ grownMegabytes, reports }));
      })();`);
    assert.deepEqual(reports, []);
    // The runs had 120 MB.
    assert.ok(grownMegabytes < 12, `${grownMegabytes} MB`);
  });

  test('the instrumentation of HTTP, registered later, traces no attempt to connect', async () => {
    const spans = await outputOf(`
      require('runtrace/register');
      const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
      const { registerInstrumentations } = require('@opentelemetry/instrumentation');
      const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
      const { context } = require('@opentelemetry/api');
      const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
      const exporter = new InMemorySpanExporter();
      const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      registerInstrumentations({ tracerProvider, instrumentations: [new HttpInstrumentation()] });
      const http = require('http');
      setTimeout(() => {
        // Shows that the instrumentation works.
        http.get('http://127.0.0.1:1/own').on('error', () => {
          setTimeout(() => console.log(JSON.stringify(exporter.getFinishedSpans().map(({ attributes }) => attributes['http.url'] ?? attributes['url.full']))), 50);
        });
      }, 5600);`);
    assert.deepEqual(spans, ['http://127.0.0.1:1/own']);
  });
});
