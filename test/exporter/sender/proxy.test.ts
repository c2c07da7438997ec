import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntraceExporter } from 'runtrace/exporter';
import { endedSpans } from '../../support/spans.js';
import { startBackend } from './backend.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const hasProxyEnv = major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);

test('spans go through the proxy of the environment where the options of the agent say so', {
  skip: !hasProxyEnv,
}, async (t) => {
  const proxy = await startBackend(t, (response) => response.end());
  const proxyEnv = { HTTP_PROXY: new URL(proxy.url).origin };
  // Of the Node that runs this, not of the oldest one, whose types these are.
  const httpAgentOptions: object = { proxyEnv };
  const exporter = new RuntraceExporter({ url: 'http://collector.invalid:4318/v1/traces', httpAgentOptions });
  exporter.export(endedSpans(1), () => {});
  await exporter.shutdown();
  assert.deepEqual(
    proxy.requests.map(({ path }) => path),
    ['http://collector.invalid:4318/v1/traces'],
  );
  assert.equal(exporter.stats().sent.spans, 1);
});
