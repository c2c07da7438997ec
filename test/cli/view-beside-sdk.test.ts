/** An application that has OpenTelemetry of its own, started by `runtrace view`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { build } from 'esbuild';
import { heldProvider } from '../support/held-provider.js';
import { startOtlpReceiver } from '../support/otlp-receiver.js';
import { until } from '../support/until.js';
import { openEvents, projectWith, rowsIn, startViewer } from '../support/viewer.js';

/** It loads the whole of NodeSDK, which takes long on a busy machine. */
const PATIENCE_MILLIS = 30_000;

const CALL = `
const answer = await fetch(process.env.BASE_URL + '/chat/completions', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'How are you?' }] }),
});
await answer.text();
`;

const NODE_SDK_APP = `
import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter({ url: process.env.RECEIVER }), instrumentations: [] });
sdk.start();
const main = async () => {
  await trace.getTracer('app').startActiveSpan('outer', async (outer) => {
    for (let i = 0; i < 20; i++) trace.getTracer('app').startSpan('inner ' + i).end();
    ${CALL}
    outer.end();
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await sdk.shutdown();
};
const { version, ...registered } = globalThis[Symbol.for('opentelemetry.js.api.1')];
main().then(() => console.log('registered', version, Object.keys(registered).sort().join()));
`;

/** The program with everything that it imports in one file, in which the API says that it has another version. */
async function bundledWithApi(version: string, program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: '.' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'api-version',
        setup({ onLoad }) {
          onLoad({ filter: /@opentelemetry\/api\/build\/.*\/version\.js$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replace(/VERSION = '[^']+'/, `VERSION = '${version}'`),
          }));
        },
      },
    ],
  });
  return outputFiles[0]?.text ?? '';
}

for (const [version, inReceiver] of [
  ['1.9.1', true],
  // What an older copy of the API registered, a newer one does not use: the runs go to the viewer alone.
  ['1.4.1', false],
  ['1.99.0', true],
] as const) {
  test(`an application with NodeSDK and a traceExporter loses no span, with version ${version} of the API`, async (t) => {
    const provider = await heldProvider(t);
    provider.answerAll();
    const receiver = await startOtlpReceiver({ requireGzip: false });
    t.after(() => receiver.close());
    const cwd = projectWith(t, { 'app.cjs': await bundledWithApi(version, NODE_SDK_APP) });
    const env = {
      BASE_URL: provider.baseUrl,
      RECEIVER: receiver.url,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    };
    const viewer = await startViewer(t, { args: ['--', 'node', 'app.cjs'], cwd, env });
    const events = await openEvents(t, viewer);
    await until(() => viewer.out().includes('registered'), PATIENCE_MILLIS);
    await until(() => rowsIn(events).some(({ status }) => status === 'completed'));
    // Nothing was registered before the application did it: the API would have refused another version.
    for (const part of [version, 'context', 'propagation', 'trace'])
      assert.ok(viewer.out().includes(part), viewer.out());
    assert.ok(!viewer.err().includes('Error'), viewer.err());
    const names = receiver.spans().map(({ name }) => name);
    const own = ['outer', ...Array.from({ length: 20 }, (_, i) => `inner ${i}`)];
    assert.deepEqual(
      own.filter((name) => !names.includes(name)),
      [],
    );
    assert.equal(names.includes('chat gpt-5'), inReceiver);
    assert.equal(new Set(receiver.spans().map(({ spanId }) => spanId)).size, receiver.spans().length);
  });
}
