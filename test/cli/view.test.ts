import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeRequest } from '../../src/exporter/otlp/json.js';
import { heldProvider } from '../support/held-provider.js';
import { freePorts } from '../support/server-process.js';
import { endedSpans } from '../support/spans.js';
import { until } from '../support/until.js';
import { openEvents, projectWith, rowsIn, startViewer } from '../support/viewer.js';
import { fileWith, runtrace, runtraceIn } from './runtrace.js';

/** A program that knows nothing of runtrace, nor of OpenTelemetry. */
const OPENAI = `
const OpenAI = require('openai');
const client = new OpenAI({ apiKey: 'sk-test', baseURL: process.env.BASE_URL });
client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'How are you?' }] }).then(
  ({ choices }) => console.log(choices[0].message.content, Object.keys(globalThis).filter((name) => /trace/i.test(name)).length),
);
`;
const CALL = `
const answer = await fetch(process.env.BASE_URL + '/chat/completions', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'How are you?' }] }),
});
await answer.text();
`;

describe('runtrace view -- COMMAND', () => {
  test('shows the model calls of a program that has only a model client, in a path with spaces', async (t) => {
    const provider = await heldProvider(t);
    const cwd = projectWith(t, { 'app.cjs': OPENAI }, ['openai']);
    const viewer = await startViewer(t, { args: ['--', 'node', 'app.cjs'], cwd, env: { BASE_URL: provider.baseUrl } });
    const events = await openEvents(t, viewer);
    await provider.answer(429, { 'retry-after-ms': '10' });
    await provider.answer();
    await until(() => rowsIn(events).at(-1)?.status === 'completed');
    assert.equal(viewer.out(), 'Fine, thanks. 0\n');
    assert.equal(viewer.err(), `runtrace: view: ${viewer.pageUrl}\n`);
    const { runs } = await viewer.runs();
    assert.deepEqual(
      runs.map(({ kind, models, attemptCodes, inputTokens }) => [kind, models, attemptCodes, inputTokens]),
      [['model_call', ['gpt-5'], ['429', '200'], 5]],
    );
    assert.equal((await viewer.detail(runs[0]?.traceId as string)).service, 'app.cjs');
  });

  test('shows the calls of the processes that the program starts, through NODE_OPTIONS, beside the options that it has', async (t) => {
    const provider = await heldProvider(t);
    provider.answerAll();
    const cwd = projectWith(t, {
      'child.mjs': `${CALL} console.log(process.env.MARK);`,
      'mark.cjs': `process.env.MARK = 'marked';`,
      'app.cjs': `const { code } = require('node:child_process').spawnSync('node', ['child.mjs'], { stdio: 'inherit' });`,
    });
    const env = { BASE_URL: provider.baseUrl, NODE_OPTIONS: '--require ./mark.cjs' };
    const viewer = await startViewer(t, { args: ['--', 'node', 'app.cjs'], cwd, env });
    const events = await openEvents(t, viewer);
    await until(() => rowsIn(events).at(-1)?.status === 'completed');
    assert.equal(viewer.out(), 'marked\n');
  });

  test('shows what a program did that ends by process.exit at once', async (t) => {
    const provider = await heldProvider(t);
    const cwd = projectWith(t, { 'app.mjs': `${CALL} process.exit(7);` });
    const viewer = await startViewer(t, { args: ['--', 'node', 'app.mjs'], cwd, env: { BASE_URL: provider.baseUrl } });
    const events = await openEvents(t, viewer);
    await until(() => rowsIn(events).some(({ live }) => live));
    await provider.answer();
    await until(() => rowsIn(events).at(-1)?.live === false);
    assert.equal(rowsIn(events).at(-1)?.status, 'completed');
    assert.equal(viewer.err(), `runtrace: view: ${viewer.pageUrl}\n`);
  });

  test('ends with the program where no page is open, with its exit code', async (t) => {
    for (const [program, code] of [
      [['node', '-e', 'process.exit(3)'], 3],
      [['node', '-e', ''], 0],
      [['node', '-e', 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 1e6)'], 143],
      [['no-such-program'], 127],
    ] as const) {
      const viewer = await startViewer(t, { args: ['--', ...program] });
      assert.equal(await viewer.ended, code, program.join(' '));
    }
  });

  test('ends with what is wrong where the system refuses to start the program', async () => {
    const { port } = await freePorts('port');
    // A variable has room for 128 KiB, and the program's own options fill it.
    const env = { ...process.env, NODE_OPTIONS: '--no-warnings '.repeat(9360) };
    const { code, err } = await runtraceIn({ env }, 'view', '--port', String(port), '--', 'node', '-e', '');
    assert.equal(code, 1);
    assert.match(err, /E2BIG/);
  });

  test('lets the program decide about Ctrl-C', async (t) => {
    const cwd = projectWith(t, {
      'app.mjs': `process.on('SIGINT', () => { console.log('closing'); process.exit(5); }); setInterval(() => {}, 1000); console.log('ready');`,
    });
    const { port } = await freePorts('port');
    const bin = new URL('./cli/main.js', import.meta.resolve('runtrace/exporter'));
    const args = [bin.pathname, 'view', '--port', String(port), '--', 'node', 'app.mjs'];
    // A group of its own, to which a terminal would send Ctrl-C.
    const child = spawn(process.execPath, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    await until(() => out.includes('ready'));
    process.kill(-(child.pid as number), 'SIGINT');
    const [code] = await once(child, 'exit');
    assert.deepEqual([out, code], ['ready\nclosing\n', 5]);
  });

  test('ends at a signal that comes together with the end of the program', async (t) => {
    const cwd = projectWith(t, {
      // Holds the event loop of the viewer, so that it sees both at once, the end of the program first.
      'busy.cjs': `process.on('SIGUSR2', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500));`,
      'app.mjs': `console.log(process.pid); setInterval(() => {}, 1000);`,
    });
    const viewer = await startViewer(t, {
      args: ['--', 'node', 'app.mjs'],
      cwd,
      env: { NODE_OPTIONS: '--require=./busy.cjs' },
    });
    // An open page: without a signal the viewer stays.
    await openEvents(t, viewer);
    await until(() => viewer.out().endsWith('\n'));
    viewer.child.kill('SIGUSR2');
    await sleep(100);
    process.kill(Number(viewer.out()), 'SIGKILL');
    await sleep(100);
    viewer.child.kill('SIGTERM');
    assert.equal(await viewer.ended, 137);
  });

  test('gives the token to no program that it starts', async (t) => {
    const cwd = projectWith(t, {
      'app.mjs': `console.log(JSON.stringify({ ...process.env }), process.argv.join(' '), process.execArgv.join(' '));`,
    });
    const viewer = await startViewer(t, { args: ['--', 'node', 'app.mjs'], cwd });
    await viewer.ended;
    assert.match(viewer.out(), /RUNTRACE_VIEW/);
    assert.ok(!viewer.out().includes(viewer.token));
  });
});

describe('a port that is taken', () => {
  test('is an error that says by what, if the user chose it', async (t) => {
    const viewer = await startViewer(t);
    const { port } = new URL(viewer.origin);
    const second = await runtrace('view', '--port', port);
    assert.match(
      second.err,
      new RegExp(`port ${port} is held by another runtrace view; try --port ${Number(port) + 1}`),
    );
    assert.equal(second.code, 1);
  });

  test('names an OTLP receiver, a web server and a program that is neither', async (t) => {
    const receiver = createServer((request, response) => {
      request.resume();
      response.statusCode = request.url === '/v1/traces' ? 200 : 404;
      response.setHeader('content-type', 'application/json');
      response.end('{"partialSuccess":{}}');
    });
    const web = createServer((_, response) => response.end('hello'));
    const mute = createTcpServer((socket) => socket.destroy());
    for (const [server, name] of [
      [receiver, /an OTLP receiver/],
      [web, /a program that speaks HTTP/],
      [mute, /does not answer HTTP/],
    ] as const) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => server.close());
      const { port } = server.address() as { port: number };
      const { err, code } = await runtrace('view', '--port', String(port));
      assert.match(err, name);
      assert.equal(code, 1);
    }
  });
});

describe('runtrace view FILE…', () => {
  const ofRun = (kind: string) =>
    encodeRequest(endedSpans(1, { attributes: () => ({ 'runtrace.run.id': 'id', 'runtrace.run.kind': kind }) }));

  test('shows the runs of OTLP files, and reports what it cannot read', async (t) => {
    const file = fileWith(t, `${ofRun('chat_turn')}\n{"torn\n${ofRun('title')}\n`);
    const viewer = await startViewer(t, { args: [file, '/nowhere.jsonl'] });
    assert.deepEqual((await viewer.runs()).runs.map(({ kind }) => kind).sort(), ['chat_turn', 'title']);
    const events = await openEvents(t, viewer);
    assert.equal((events[0]?.data as { files: boolean } | undefined)?.files, true);
    await viewer.stop();
    assert.match(viewer.err(), /traces\.jsonl:2: /);
    assert.match(viewer.err(), /nowhere/);
    assert.equal(await viewer.ended, 1);
  });
});

test('view with no file that it can read ends, and says how to start a program', async (t) => {
  const file = fileWith(t, 'console.log(1);\n');
  const { code, err } = await runtrace('view', '--port', '0', 'node', file);
  assert.match(err, /no such file or directory, open 'node'\n/);
  assert.ok(err.endsWith(`no file to show; to start a program: runtrace view -- node ${file}\n`), err);
  assert.equal(code, 1);
});

test('wrong use of view prints what is wrong and the usage', async (t) => {
  const prices = fileWith(t, '{"gpt-5": {"input": "much"}}');
  for (const [args, says] of [
    [['view', '--port', 'x'], /--port must be an integer/],
    [['view', '--memory', '10'], /--memory must be an integer from 200/],
    [['view', 'a.jsonl', '--', 'node'], /view takes files or a program, not both\nUsage/],
    [['view', '--'], /behind -- a program must follow: runtrace view -- node app\.js\nUsage/],
    [['view', '--json'], /view has no option --json\nUsage/],
    [['show', '--', 'node'], /show starts no program\nUsage/],
    [['tail', 'node', 'app.js'], /tail takes no file; to start a program: runtrace tail -- node app\.js\nUsage/],
  ] as const) {
    const { code, err } = await runtrace(...args);
    assert.match(err, says, args.join(' '));
    assert.equal(code, 2);
  }
  const { code, err } = await runtrace('view', '--port', '0', '--prices', prices);
  assert.match(err, /the price of 'gpt-5' must be/);
  assert.equal(code, 1);
});
