import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Which of OpenTelemetry's OTLP packages a program has loaded at its end. */
function loadedBy(code: string): string[] {
  const report = `
    const { createRequire } = await import('node:module');
    const paths = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify(paths.filter((path) => path.includes('otlp'))));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', code + report], { encoding: 'utf8' });
  return JSON.parse(out);
}

test("importing runtrace does not load OpenTelemetry's OTLP library, and importing runtrace/exporter neither", () => {
  assert.deepEqual(loadedBy("await import('runtrace');"), []);
  assert.deepEqual(loadedBy("await import('runtrace/exporter');"), []);
});

test('making an exporter loads nothing of them either; sending Protobuf does', () => {
  const make =
    "const { RuntraceExporter } = await import('runtrace/exporter'); const exporter = new RuntraceExporter();";
  assert.deepEqual(loadedBy(make), []);
  const send = `${make}
    const { BasicTracerProvider, SimpleSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.getTracer('test').startSpan('hello').end();
    await provider.shutdown();`;
  assert.ok(loadedBy(send).some((path) => path.includes('otlp-transformer')));
});

test('the library is the one dependency, and the API is the only peer that must be there', () => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.deepEqual(dependencies, { '@opentelemetry/otlp-transformer': '>=0.205.0 <0.400.0' });
  const required = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  assert.deepEqual(required, ['@opentelemetry/api']);
});
