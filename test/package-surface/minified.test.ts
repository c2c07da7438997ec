/** In a minified bundle, as of a serverless function, the classes of the SDK, of the API and of a model client have other names. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const exec = promisify(execFile);

/** A provider that never answers is asked in each case. `ends` are the status and `error.type` of each run and step. */
const PROGRAM = `
import { createServer } from 'node:http';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import OpenAI from 'openai';
import { recordingFetch, run, StatusPrioritySpanProcessor, step } from 'runtrace';

const server = createServer((request) => request.resume()).listen(0, '127.0.0.1').unref();
await new Promise((resolve) => server.once('listening', resolve));
const baseURL = 'http://127.0.0.1:' + server.address().port + '/v1';
const openai = new OpenAI({ apiKey: 'none', baseURL, fetch: recordingFetch, maxRetries: 0 });
const ask = (options) => openai.chat.completions.create({ model: 'gpt-5', messages: [] }, options);
const stopped = () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 30);
  return ask({ signal: controller.signal });
};
class PaymentError extends Error {}
const CASES = {
  stop: stopped,
  'stop of a step': () => step({}, stopped),
  timeout: () => ask({ timeout: 30 }),
  'timeout of a step': () => step({}, () => ask({ timeout: 30 })),
  'own error': () => { throw new PaymentError('no money'); },
};
if (process.env.NO_SDK) await run({ kind: 'chat_turn' }, stopped).catch(() => {});
else {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)] });
  provider.register();
  const ends = {};
  for (const [name, fn] of Object.entries(CASES)) {
    exporter.reset();
    await run({ kind: 'chat_turn' }, fn).catch(() => {});
    await provider.forceFlush();
    ends[name] = exporter.getFinishedSpans().map(({ attributes }) => attributes['runtrace.status'] + ' ' + attributes['error.type']);
  }
  console.log(JSON.stringify(ends));
}
`;

const folder = mkdtempSync(join(tmpdir(), 'runtrace-minified-'));
const bundle = join(folder, 'bundle.mjs');

before(async () => {
  const js =
    "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";
  await build({
    stdin: { contents: PROGRAM, resolveDir: ROOT },
    outfile: bundle,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    banner: { js },
  });
});

after(() => rmSync(folder, { recursive: true }));

async function play(env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const { NODE_ENV, NODE_TEST_CONTEXT, ...others } = process.env;
  return exec(process.execPath, [bundle], { env: { ...others, ...env } });
}

test('runs and steps end as in code that is not minified', async () => {
  const { stdout } = await play({ RUNTRACE_WARNINGS: 'off' });
  assert.deepEqual(JSON.parse(stdout), {
    stop: ['interrupted undefined', 'interrupted undefined'],
    'stop of a step': ['interrupted undefined', 'interrupted undefined'],
    timeout: ['error timeout', 'error timeout'],
    'timeout of a step': ['error timeout', 'error timeout'],
    'own error': ['error Error'],
  });
});

test('a missing SDK is reported as that', async () => {
  const { stderr } = await play({ NO_SDK: '1' });
  assert.deepEqual(
    [...stderr.matchAll(/\[(RUNTRACE_\w+)\]/g)].map(([, code]) => code),
    ['RUNTRACE_NO_PROVIDER'],
  );
});
