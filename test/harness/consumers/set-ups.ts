import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, startProvider, status } from '../../../examples/demo/provider.js';
import { type ReceivedSpan, startOtlpReceiver } from '../../support/otlp-receiver.js';
import type { Consumer } from './main.js';
import { node, written } from './process.js';

/** The versions support the oldest Node that runtrace supports. */
const NODE_SDK = '@opentelemetry/sdk-node@0.223';
const AUTO_INSTRUMENTATIONS = '@opentelemetry/auto-instrumentations-node@0.77';

/** What an application had before runtrace, and what README makes of it. */
const PROCESSORS = {
  before: 'traceExporter',
  after: 'spanProcessors: [new (require("runtrace/exporter").RuntraceSpanProcessor)({ exporter: traceExporter })]',
};

const instrumentation = (delivery: string) => `const { NodeSDK } = require('@opentelemetry/sdk-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');
const traceExporter = new OTLPTraceExporter();
const sdk = new NodeSDK({ ${delivery}, instrumentations: [getNodeAutoInstrumentations()] });
sdk.start();
exports.sdk = sdk;
`;

/** A server with a route that calls a model, which is busy at first, and its visitor. `turn` is around the work of the route. */
const server = (turn: string) => `const { sdk } = require('./instrumentation.cjs');
const { createServer, get } = require('node:http');
const { trace } = require('@opentelemetry/api');
const { run, recordingFetch } = ${turn};
const call = () => recordingFetch(process.env.PROVIDER + '/v1/chat/completions', { method: 'POST', body: '{"model":"gpt-5","messages":[]}' });
async function answer() {
  const first = await call();
  await first.text();
  return trace.getTracer('app').startActiveSpan('second try', async (span) => {
    const text = await (await call()).text();
    span.end();
    return text;
  });
}
const server = createServer(async (request, response) => {
  response.end(await run({ kind: 'chat_turn' }, answer));
});
server.listen(0, '127.0.0.1', () => {
  get({ port: server.address().port, host: '127.0.0.1', path: '/chat' }, (response) => {
    response.resume().on('end', async () => {
      server.close();
      await sdk.shutdown();
    });
  });
});
`;

const WITHOUT = '{ run: (_options, fn) => fn(), recordingFetch: fetch }';
const WITH = "require('runtrace')";

export const SET_UPS: readonly Consumer[] = [
  {
    name: "README: its program, and what 'runtrace show' prints",
    packages: [NODE_SDK, 'openai@6'],
    use: async (app) => {
      const [, program = ''] = /```js\n(\/\/ app\.js\n[\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
      const folder = written(join(app, 'readme'), { 'package.json': '{ "type": "module" }', 'app.js': program });
      assert.equal(await node(['app.js'], folder), 'Lisbon is lovely in May.\n');
      const shown = await node([join(app, 'node_modules/runtrace/dist/cli/main.js'), 'show', 'traces.jsonl'], folder);
      assert.match(shown, /^✔ chat_turn .*\n[\s\S]*chat gpt-5 .*completed[\s\S]*#1 +429[\s\S]*#2 +429[\s\S]*#3 +200/);
    },
  },
  {
    name: 'traceExporter and auto-instrumentations: no span is missing with runtrace',
    packages: [NODE_SDK, AUTO_INSTRUMENTATIONS],
    use: async (app) => {
      const play = async (name: string, delivery: string, turn: string) => {
        const files = { 'instrumentation.cjs': instrumentation(delivery), 'app.cjs': server(turn) };
        return spansOf(written(join(app, name), files));
      };
      const before = await play('before', PROCESSORS.before, WITHOUT);
      assert.ok(before.length > 4, `only ${before}`);
      assert.deepEqual(await play('after', PROCESSORS.after, WITHOUT), before);
      const recorded = await play('recorded', PROCESSORS.after, WITH);
      const ours = ['runtrace: chat gpt-5', 'runtrace: invoke_workflow chat_turn'];
      assert.deepEqual(recorded, [...before, ...ours].sort());
    },
  },
  {
    name: 'SDK 1.x is reported',
    packages: ['sdk-1@npm:@opentelemetry/sdk-trace-base@1.30'],
    use: async (app) => {
      const program = `const { trace } = require('@opentelemetry/api');
const { BasicTracerProvider } = require('sdk-1');
process.on('warning', ({ code }) => console.log(code));
trace.setGlobalTracerProvider(new BasicTracerProvider());
require('runtrace').run({ kind: 'chat_turn' }, () => {});
`;
      const folder = written(join(app, 'sdk-1'), { 'main.cjs': program });
      assert.match(await node(['main.cjs'], folder), /^RUNTRACE_SDK_VERSION$/m);
    },
  },
];

/** Runs the application, and returns the scope and the name of each span that arrived, in order of the alphabet. */
async function spansOf(folder: string): Promise<string[]> {
  const provider = await startProvider();
  provider.script('gpt-5', status(429, { retryAfterMillis: 1 }), ok());
  // The stock exporter does not compress.
  const receiver = await startOtlpReceiver({ requireGzip: false });
  try {
    const env = { PROVIDER: provider.url, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
    await node(['app.cjs'], folder, { ...env, OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' });
    return receiver.spans().map(label).sort();
  } finally {
    await receiver.close();
    await provider.close();
  }
}

function label({ scope, name }: ReceivedSpan): string {
  return `${scope}: ${name}`;
}
