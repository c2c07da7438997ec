import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

const ENTRY_POINTS = ['runtrace', 'runtrace/exporter', 'runtrace/ai-sdk', 'runtrace/register'];

/** The packages that an entry point of the published package imports, directly or not. */
async function importsOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve(entry))],
    bundle: true,
    format: 'esm',
    packages: 'external',
    external: ['node:*'],
    write: false,
    metafile: true,
    // esbuild warns that it leaves out an import whose names are not used.
    logLevel: 'error',
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return [...new Set(imports.filter(({ external }) => external).map(({ path }) => path))].sort();
}

describe('the imports of the published package', () => {
  for (const entry of ['runtrace', 'runtrace/register', 'runtrace/ai-sdk']) {
    test(`${entry} imports nothing but the OpenTelemetry API`, async () => {
      assert.deepEqual(await importsOf(entry), ['@opentelemetry/api']);
    });
  }

  test('only runtrace/exporter imports Node’s modules', async () => {
    const imports = await importsOf('runtrace/exporter');
    assert.ok(imports.includes('node:fs'));
    const packages = imports.filter((path) => !path.startsWith('node:'));
    // Optional peers are loaded when they are needed.
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object };
    const ours = ['@opentelemetry/api', ...Object.keys(dependencies)];
    assert.deepEqual(
      packages.filter((path) => !ours.some((name) => path === name || path.startsWith(`${name}/`))),
      [],
    );
  });
});

/** What jest-environment-jsdom 30 does not have. */
const NOT_IN_JSDOM =
  'TextEncoder TextDecoder Request Response fetch ReadableStream TransformStream structuredClone setImmediate clearImmediate';

for (const entry of ENTRY_POINTS) {
  test(`${entry} can be imported where half of the platform is missing, and runs pass through`, () => {
    const program = `for (const name of '${NOT_IN_JSDOM}'.split(' ')) delete globalThis[name];
      require('./dist/${entry.replace(/^runtrace\/?/, '') || 'index'}.cjs');
      require('./dist/index.cjs').run({ kind: 'test' }, () => ({ answer: 42 })).then(({ answer }) => console.log(answer));`;
    const env = { ...process.env, NODE_ENV: 'test' };
    assert.equal(execFileSync(process.execPath, ['-e', program], { env, encoding: 'utf8' }), '42\n');
  });
}

test('a bundler keeps runtrace/register, which exports nothing', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "import 'runtrace/register'", resolveDir: '.' },
    bundle: true,
    format: 'esm',
    packages: 'bundle',
    external: ['@opentelemetry/api'],
    write: false,
    logLevel: 'error',
  });
  assert.match(outputFiles[0]?.text ?? '', /defineProperty\(globalThis, "fetch"/);
});

describe('CommonJS', () => {
  for (const entry of ENTRY_POINTS) {
    test(`require('${entry}') gives the same objects as import`, async () => {
      assert.deepEqual({ ...require(entry) }, { ...(await import(entry)) });
    });

    test(`the CommonJS file of ${entry} exports the same names as its ES module`, async () => {
      assert.deepEqual(Object.keys(require(commonJsFile(entry))).sort(), Object.keys(await import(entry)).sort());
    });
  }

  test('an application that requires the package records a run', () => {
    assert.equal(recordedBy('runtrace', 'runtrace/ai-sdk'), 'chat gpt-5,invoke_workflow chat_turn');
  });

  test('the CommonJS files share one state, for a tool that does not know module-sync', () => {
    const files = [commonJsFile('runtrace'), commonJsFile('runtrace/ai-sdk')] as const;
    assert.equal(recordedBy(...files), 'chat gpt-5,invoke_workflow chat_turn');
  });
});

/** The file that the condition `require` names. */
function commonJsFile(entry: string): string {
  return fileURLToPath(import.meta.resolve(entry)).replace(/\.js$/, '.cjs');
}

/** The names of the spans that an application records: a step that `runtrace/ai-sdk` makes in a run of `runtrace`. */
function recordedBy(main: string, aiSdk: string): string {
  const application = `
    const { context, trace } = require('@opentelemetry/api');
    const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
    const { InMemorySpanExporter, SimpleSpanProcessor, BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
    const { run, StatusPrioritySpanProcessor } = require('${main}');
    const { wrapModel } = require('${aiSdk}');
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const exporter = new InMemorySpanExporter();
    const spanProcessors = [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
    const answer = async () => ({ content: [], finishReason: 'stop', usage: {}, warnings: [] });
    const model = { specificationVersion: 'v3', provider: 'openai.chat', modelId: 'gpt-5', doGenerate: answer, doStream: answer };
    run({ kind: 'chat_turn' }, () => wrapModel(model).doGenerate({ prompt: [] }))
      .then(() => trace.getTracerProvider().getDelegate().forceFlush())
      .then(() => process.stdout.write(exporter.getFinishedSpans().map(({ name }) => name).join()));`;
  const args = ['--no-warnings', '--input-type=commonjs', '--eval', application];
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}
