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
