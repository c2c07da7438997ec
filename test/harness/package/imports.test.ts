import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/** Whatever an entry point of the published package imports, directly or not, that is not its own. */
async function importsOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve(entry))],
    bundle: true,
    format: 'esm',
    packages: 'external',
    external: ['node:*'],
    write: false,
    metafile: true,
    // That a part of it was left out because nothing of it is used is no news.
    logLevel: 'error',
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return [...new Set(imports.filter(({ external }) => external).map(({ path }) => path))].sort();
}

describe('what runs anywhere', () => {
  for (const entry of ['runtrace', 'runtrace/register', 'runtrace/ai-sdk']) {
    test(`${entry} imports nothing but the OpenTelemetry API`, async () => {
      assert.deepEqual(await importsOf(entry), ['@opentelemetry/api']);
    });
  }

  test('runtrace/exporter is what imports Node’s modules', async () => {
    const imports = await importsOf('runtrace/exporter');
    assert.ok(imports.includes('node:fs'));
    const packages = imports.filter((path) => !path.startsWith('node:'));
    assert.deepEqual(packages, ['@opentelemetry/api', '@opentelemetry/exporter-trace-otlp-http']);
  });
});

test('a bundler keeps what runtrace/register does: it is imported for nothing else', async () => {
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
  for (const entry of ['runtrace', 'runtrace/exporter', 'runtrace/ai-sdk', 'runtrace/register']) {
    test(`require('${entry}') gives what import does`, async () => {
      assert.deepEqual({ ...require(entry) }, { ...(await import(entry)) });
    });
  }

  test('an application in it records a run', () => {
    const application = `
      const { InMemorySpanExporter, SimpleSpanProcessor, BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
      const { createRecorder, StatusPrioritySpanProcessor } = require('runtrace');
      const exporter = new InMemorySpanExporter();
      const spanProcessors = [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)];
      const recorder = createRecorder({ tracerProvider: new BasicTracerProvider({ spanProcessors }) });
      recorder.run({ kind: 'chat_turn' }, () => {}).then(() => {
        process.stdout.write(exporter.getFinishedSpans().map(({ name }) => name).join());
      });`;
    const args = ['--no-warnings', '--input-type=commonjs', '--eval', application];
    assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), 'invoke_workflow chat_turn');
  });
});
