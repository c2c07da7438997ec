/** One program, as ES module and as CommonJS, that uses each entry point of the package. It is valid TypeScript too. */

/** What it prints: the step that `runtrace/ai-sdk` records is in the run of `runtrace`, so the entry points share one state. */
export const PRINTS = 'chat gpt-5, invoke_workflow chat_turn';

const IMPORTS = {
  '@opentelemetry/api': 'context, trace',
  '@opentelemetry/context-async-hooks': 'AsyncLocalStorageContextManager',
  '@opentelemetry/sdk-trace-base': 'BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor',
  runtrace: 'run, StatusPrioritySpanProcessor',
  'runtrace/exporter': 'RuntraceExporter',
  'runtrace/ai-sdk': 'wrapModel',
};

const FUNCTION = `async function record() {
  const memory = new InMemorySpanExporter();
  const spanProcessors = [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(memory)];
  const tracerProvider = new BasicTracerProvider({ spanProcessors });
  trace.setGlobalTracerProvider(tracerProvider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const answered = async ({ prompt = [] }) => ({ prompt, content: [], finishReason: 'stop', usage: {}, warnings: [] });
  const model = { specificationVersion: 'v3', provider: 'openai.chat', modelId: 'gpt-5', doGenerate: answered, doStream: answered };
  await run({ kind: 'chat_turn' }, () => wrapModel(model).doGenerate({ prompt: [] }));
  await tracerProvider.forceFlush();
  await new RuntraceExporter({ url: 'http://127.0.0.1:9/v1/traces' }).shutdown();
  if (!(Symbol.for('runtrace.registered') in globalThis)) throw new Error('runtrace/register did nothing');
  return memory.getFinishedSpans().map(({ name }) => name).join(', ');
}`;

const lines = (line: (names: string, path: string) => string) =>
  Object.entries(IMPORTS)
    .map(([path, names]) => line(names, path))
    .join('\n');

/** Exports `record`. */
export const ES_MODULE = `import 'runtrace/register';
${lines((names, path) => `import { ${names} } from '${path}';`)}
export ${FUNCTION}
`;

/** Exports `record`. */
export const COMMONJS = `require('runtrace/register');
${lines((names, path) => `const { ${names} } = require('${path}');`)}
${FUNCTION}
module.exports = { record };
`;

/** Throws if `import` and `require` of an entry point give different objects. */
export const SAME_OBJECTS = `import * as main from 'runtrace';
import * as exporter from 'runtrace/exporter';
import * as aiSdk from 'runtrace/ai-sdk';
import required from './required.cjs';
for (const [name, module] of Object.entries({ main, exporter, aiSdk })) {
  for (const key of Object.keys(module)) {
    if (module[key] !== required[name][key]) throw new Error(key + ' of ' + name + ' is another object where it is required');
  }
}
`;

export const REQUIRED = `module.exports = {
  main: require('runtrace'),
  exporter: require('runtrace/exporter'),
  aiSdk: require('runtrace/ai-sdk'),
};
`;

/**
 * Exports `deliver`, which sends a span over HTTP and one over gRPC with the exporter of `file`, and resolves with what was delivered.
 * The file is named, because Node's own `require` would take the ES module.
 */
export const delivers = (file: string) => `const http = require('node:http');
const http2 = require('node:http2');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { RuntraceBatchSpanProcessor } = require(${JSON.stringify(file)});
const overHttp = http.createServer((request, response) => request.resume().on('end', () => response.end()));
const overGrpc = http2.createServer().on('stream', (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.resume().on('end', () => stream.end(Buffer.alloc(5)));
});
async function deliver() {
  const delivered = {};
  for (const [protocol, server] of Object.entries({ 'http/protobuf': overHttp, 'http/json': overHttp, grpc: overGrpc })) {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const processor = new RuntraceBatchSpanProcessor({ url: 'http://127.0.0.1:' + server.address().port, protocol });
    new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('consumer').startSpan('hello').end();
    await processor.shutdown();
    server.close();
    delivered[protocol] = processor.stats().sent.spans;
  }
  return JSON.stringify(delivered);
}
module.exports = { deliver };
`;

/** What `deliver` resolves with. */
export const DELIVERED = JSON.stringify({ 'http/protobuf': 1, 'http/json': 1, grpc: 1 });
