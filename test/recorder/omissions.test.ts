/** Each mistake of a first set-up, as a program of its own: what it prints, and that a correct program prints nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let server: Server;
let port = 0;

before(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (request.url === '/no-answer') return;
    if (request.url?.startsWith('/not-otlp')) response.statusCode = 404;
    response.setHeader('content-type', 'application/json');
    if (request.url === '/rejects') {
      response.end('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no quota"}}');
      return;
    }
    response.end('{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

interface Printed {
  code: number | null;
  err: string;
  /** The codes of the warnings, in order. */
  codes: string[];
}

/** Runs a module in a process that is in development, as at a developer's desk. */
function play(program: string, env: Record<string, string> = {}): Promise<Printed> {
  const { NODE_ENV, NODE_TEST_CONTEXT, VITEST, JEST_WORKER_ID, ...others } = process.env;
  const child = spawn(process.execPath, ['--input-type=module', '-e', `const port = ${port};\n${program}`], {
    cwd: ROOT,
    env: { ...others, ...env },
  });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => {
    child.on('close', (code) =>
      resolve({ code, err, codes: [...err.matchAll(/\[(RUNTRACE_\w+)\]/g)].map(([, it]) => it as string) }),
    );
  });
}

const ASK = `
import { createRecorder, recordingFetch, reuseStep, run, startRun, startStep, step, StatusPrioritySpanProcessor, tool } from 'runtrace';
const ask = (fetch = recordingFetch, path = '/v1/chat/completions', host = '127.0.0.1') => fetch('http://' + host + ':' + port + path, {
  method: 'POST', body: '{"model":"gpt-5","messages":[]}',
}).then((response) => response.text());
`;

/** A provider that works, of the SDK itself. */
const SDK = `
import { BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
const exporting = new BatchSpanProcessor(new InMemorySpanExporter());
const start = (...spanProcessors) => {
  const provider = new NodeTracerProvider({ spanProcessors });
  provider.register();
  return provider;
};
`;

const WITHOUT_CONTEXT_MANAGER = `${SDK}
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new StatusPrioritySpanProcessor(), exporting] }));
`;

const VERCEL = `import { registerOTel } from '@vercel/otel'; const traceExporter = new InMemorySpanExporter();`;

/** Every host is this machine. */
const LOOPBACK = `
import { Agent, setGlobalDispatcher } from 'undici';
const lookup = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
setGlobalDispatcher(new Agent({ connect: { lookup } }));
`;

const MISTAKES: Record<string, { program: string; code: string; says: RegExp }> = {
  'no SDK': {
    program: `${ASK} await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_NO_PROVIDER',
    says: /no OpenTelemetry SDK is registered.*NodeSDK/,
  },
  'no SDK, in a process that exits by itself': {
    program: `${ASK} await run({ kind: 'chat_turn' }, () => ask()); process.exit(0);`,
    code: 'RUNTRACE_NO_PROVIDER',
    says: /no OpenTelemetry SDK is registered/,
  },
  'an SDK that is started after the first run': {
    program: `${ASK} ${SDK} await run({ kind: 'chat_turn' }, () => ask()); start(new StatusPrioritySpanProcessor(), exporting);`,
    code: 'RUNTRACE_LATE_PROVIDER',
    says: /was started after the first run.*runs so far: 1/,
  },
  'an SDK that registered with an older @opentelemetry/api': {
    program: `globalThis[Symbol.for('opentelemetry.js.api.1')] = { version: '1.0.0', trace: {} };
      const { run } = await import('runtrace'); await run({ kind: 'chat_turn' }, () => {});`,
    code: 'RUNTRACE_API_VERSIONS',
    says: /several versions of @opentelemetry\/api.*1\.0\.0/,
  },
  'no processor that exports': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor()); await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_NO_EXPORTER',
    says: /no span processor that exports/,
  },
  'no StatusPrioritySpanProcessor': {
    program: `${ASK} ${SDK} start(exporting); await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_NO_PROCESSOR',
    says: /no StatusPrioritySpanProcessor/,
  },
  'the StatusPrioritySpanProcessor in the second of two SDKs': {
    program: `${ASK} ${SDK} start(exporting); start(new StatusPrioritySpanProcessor(), exporting); await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_NO_PROCESSOR',
    says: /made, but for another SDK than the one that is registered/,
  },
  'the RuntraceSpanProcessor in the second of two SDKs, the first of which exports nothing': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter'; start();
      start(new RuntraceSpanProcessor({ exporter: new InMemorySpanExporter() })); await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_NO_EXPORTER',
    says: /made, but for another SDK than the one that is registered/,
  },
  'the StatusPrioritySpanProcessor listed last': {
    program: `${ASK} ${SDK} start(exporting, new StatusPrioritySpanProcessor()); await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_PROCESSOR_NOT_FIRST',
    says: /list RuntraceSpanProcessor, or StatusPrioritySpanProcessor, first/,
  },
  'the RuntraceSpanProcessor listed last': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      start(exporting, new RuntraceSpanProcessor({ exporter: new InMemorySpanExporter() })); await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_PROCESSOR_NOT_FIRST',
    says: /list RuntraceSpanProcessor/,
  },
  'no context manager': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, and a step of the recording fetch in run.step()': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await run({ kind: 'chat_turn' }, (run) => run.step({ model: 'gpt-5' }, () => ask()));`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, and a step()': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await run({ kind: 'chat_turn' }, () => step({ model: 'gpt-5' }, (step) => ask(step.fetch)));`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, and a startStep()': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await run({ kind: 'chat_turn' }, async () => {
      const started = startStep({ model: 'gpt-5' });
      await ask(started.fetch);
      started.finish('completed');
    });`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, and a tool()': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await run({ kind: 'chat_turn' }, () => tool({ name: 'search' }, () => 'found'));`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, and a reuse scope in the run': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await run({ kind: 'chat_turn' }, (run) =>
      reuseStep(() => run.step({ model: 'gpt-5' }, (step) => ask(step.fetch))));`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, and a reuse scope around the run': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await reuseStep(() =>
      run({ kind: 'chat_turn' }, (run) => run.step({ model: 'gpt-5' }, (step) => ask(step.fetch))));`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, and a wrapped model': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} import { wrapModel } from 'runtrace/ai-sdk';
      const answered = async () => ({ content: [], finishReason: 'stop', usage: {}, warnings: [] });
      const model = { specificationVersion: 'v3', provider: 'openai.chat', modelId: 'gpt-5', doGenerate: answered, doStream: answered };
      await run({ kind: 'chat_turn' }, () => wrapModel(model).doGenerate({ prompt: [] }));`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'no context manager, with startRun()': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} const turn = startRun({ kind: 'chat_turn' }); await ask(); turn.finish('completed');`,
    code: 'RUNTRACE_NO_CONTEXT_MANAGER',
    says: /no context manager is registered/,
  },
  'a call beside a run of startRun()': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      const turn = startRun({ kind: 'chat_turn' });
      await ask();
      turn.finish('completed');`,
    code: 'RUNTRACE_NO_RUN',
    says: /startRun\(\) makes no run active.*run\.step\(\)/,
  },
  'startRun() without the recording fetch': {
    program: `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const turn = startRun({ kind: 'chat_turn' });
      await ask(fetch, undefined, 'api.openai.com');
      turn.finish('completed');`,
    code: 'RUNTRACE_NO_RECORDING_FETCH',
    says: /global fetch called a model provider.*api\.openai\.com.*run\.step\(\)/,
  },
  'startRun() and startStep() without the recording fetch': {
    program: `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const turn = startRun({ kind: 'chat_turn' });
      const { finish } = turn.startStep({ model: 'gpt-5' });
      await ask(fetch, undefined, 'api.openai.com');
      finish('completed');
      turn.finish('completed');`,
    code: 'RUNTRACE_STEP_WITHOUT_ATTEMPT',
    says: /completed without an attempt.*step\.fetch/,
  },
  'a call that runtrace does not read beside a run of startRun()': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      const turn = startRun({ kind: 'chat_turn' });
      await recordingFetch('http://127.0.0.1:' + port + '/predict', { method: 'POST', body: '{"x":1}' }).then((response) => response.text());
      turn.finish('completed');`,
    code: 'RUNTRACE_UNREAD_CALL',
    says: /did not recognize it as a model call.*127\.0\.0\.1/,
  },
  'no run around a call in a format that is not read': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      await recordingFetch('http://127.0.0.1:' + port + '/ask', { method: 'POST', body: '{"model":"m","prompt":"p"}' });`,
    code: 'RUNTRACE_NO_RUN',
    says: /outside of a run/,
  },
  'no run around the calls, nor a context manager': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} await ask();`,
    code: 'RUNTRACE_NO_RUN',
    says: /outside of a run/,
  },
  'a call that has lost its run in a queue': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      let wake;
      const woken = new Promise((resolve) => (wake = resolve)).then(() => ask());
      await run({ kind: 'chat_turn' }, () => (wake(), woken));`,
    code: 'RUNTRACE_NO_RUN',
    says: /outside of a run.*a run is open: .*AsyncResource\.bind\(\).*run\.step\(\)/,
  },
  'a misspelt RUNTRACE_CAPTURE': {
    program: `process.env.RUNTRACE_CAPTURE = 'contents'; ${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      for (const kind of ['a', 'b']) await run({ kind }, () => ask());`,
    code: 'RUNTRACE_UNKNOWN_VALUE',
    says: /RUNTRACE_CAPTURE must be one of 'off', 'metadata', 'content', got 'contents'; 'metadata' counts/,
  },
  'no run around a step of a client that is not recorded by fetch': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting); await step({ model: 'in this process' }, () => {});`,
    code: 'RUNTRACE_NO_RUN',
    says: /a step\(\), a tool\(\) or a call .*outside of a run.*run\(\{ kind \}, fn\)(?!.*a run is open)/,
  },
  'no run around a tool call': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      for (const name of ['search', 'fetch']) await tool({ name }, () => 'found');`,
    code: 'RUNTRACE_NO_RUN',
    says: /a tool\(\) .*was made outside of a run/,
  },
  'step() in the place of run.step(), beside a run of startRun()': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      const turn = startRun({ kind: 'chat_turn' });
      startStep({ model: 'in this process' }).finish('completed');
      turn.finish('completed');`,
    code: 'RUNTRACE_NO_RUN',
    says: /startRun\(\) makes no run active.*run\.step\(\)/,
  },
  'no run around the calls': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting); await ask();`,
    code: 'RUNTRACE_NO_RUN',
    says: /outside of a run.*run\(\{ kind \}, fn\)(?!.*a run is open)/,
  },
  'neither a context manager nor the recording fetch in the client': {
    program: `${ASK} ${WITHOUT_CONTEXT_MANAGER} ${LOOPBACK}
      await run({ kind: 'chat_turn' }, () => ask(fetch, undefined, 'api.openai.com'));`,
    code: 'RUNTRACE_NO_RECORDING_FETCH',
    says: /global fetch called a model provider.*api\.openai\.com/,
  },
  'no recording fetch in the client': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      ${LOOPBACK}
      await run({ kind: 'chat_turn' }, async () => {
        const response = await fetch('http://api.openai.com:' + port + '/v1/chat/completions', { method: 'POST', body: '{}' });
        await response.text();
      });`,
    code: 'RUNTRACE_NO_RECORDING_FETCH',
    says: /global fetch called a model provider.*fetch: recordingFetch.*api\.openai\.com/,
  },
  'only calls that runtrace does not read': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      const post = () => recordingFetch('http://127.0.0.1:' + port + '/predict', { method: 'POST', body: '{"x":1}' });
      await run({ kind: 'chat_turn' }, async () => (await post()).text());`,
    code: 'RUNTRACE_UNREAD_CALL',
    says: /did not recognize it as a model call.*127\.0\.0\.1/,
  },
  'no run around the calls, with runtrace/register': {
    program: `import 'runtrace/register'; ${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting); await ask(fetch);`,
    code: 'RUNTRACE_NO_RUN',
    says: /RUNTRACE_IMPLICIT_RUNS=true/,
  },
  'a step without an attempt': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      await run({ kind: 'chat_turn' }, () => step({ model: 'gpt-5' }, () => ask(fetch)));`,
    code: 'RUNTRACE_STEP_WITHOUT_ATTEMPT',
    says: /completed without an attempt.*recording fetch/,
  },
  'an endpoint where nothing listens': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      const provider = start(new RuntraceSpanProcessor({ url: 'http://127.0.0.1:9/v1/traces' }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_DELIVERY_FAILED',
    says: /first delivery of spans failed.*127\.0\.0\.1:9.*ECONNREFUSED/,
  },
  'an endpoint that gives no answer before the shutdown': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      const url = 'http://127.0.0.1:' + port + '/no-answer';
      const provider = start(new RuntraceSpanProcessor({ url, shutdownTimeoutMillis: 100 }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_DELIVERY_FAILED',
    says: /first delivery of spans failed.*until shutdown/,
  },
  'an endpoint that is not OTLP': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      const provider = start(new RuntraceSpanProcessor({ url: 'http://127.0.0.1:' + port + '/not-otlp' }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_DELIVERY_FAILED',
    says: /first delivery of spans failed.*404/,
  },
  'an endpoint that rejects every span': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      const provider = start(new RuntraceSpanProcessor({ url: 'http://127.0.0.1:' + port + '/rejects' }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_DELIVERY_FAILED',
    says: /first delivery of spans failed.*rejected 2 of 2 spans: no quota/,
  },
  'an endpoint that speaks http, called by https': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      const provider = start(new RuntraceSpanProcessor({ url: 'https://127.0.0.1:' + port + '/v1/traces' }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_DELIVERY_FAILED',
    says: /first delivery of spans failed.*the endpoint speaks http, not https/,
  },
  'an endpoint that has the path already': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      process.env.OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:' + port + '/not-otlp/v1/traces';
      const provider = start(new RuntraceSpanProcessor());
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_WRONG_SETTING',
    says: /not-otlp\/v1\/traces\/v1\/traces has \/v1\/traces twice.*takes the URL without \/v1\/traces/,
  },
  'an endpoint that has the path already, of a backend that answers 200 to anything': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      const provider = start(new RuntraceSpanProcessor({ url: 'http://127.0.0.1:' + port + '/v1/traces/v1/traces' }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_WRONG_SETTING',
    says: /has \/v1\/traces twice.* and url with \/v1\/traces once/,
  },
  'an endpoint without a scheme, where the default has no backend': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      process.env.OTEL_EXPORTER_OTLP_ENDPOINT = '127.0.0.1:' + port;
      const provider = start(new RuntraceSpanProcessor({ shutdownTimeoutMillis: 2000 }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_WRONG_SETTING',
    says: /OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL, such as http:\/\/localhost:4318/,
  },
  'a misspelt variable of the exporter': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      process.env.OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:' + port;
      process.env.OTEL_EXPORTER_OTLP_HEADER = 'x-key=hunter2';
      const provider = start(new RuntraceSpanProcessor());
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_WRONG_SETTING',
    says: /OTEL_EXPORTER_OTLP_HEADER is not read: the variables are .*HEADERS(?![\s\S]*hunter2)/,
  },
  'an endpoint that does not speak gRPC': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      const provider = start(new RuntraceSpanProcessor({ url: 'http://127.0.0.1:' + port, protocol: 'grpc', shutdownTimeoutMillis: 2000 }));
      await run({ kind: 'chat_turn' }, () => ask());
      await provider.shutdown();`,
    code: 'RUNTRACE_DELIVERY_FAILED',
    says: /first delivery of spans failed.*does not speak gRPC/,
  },
  "@vercel/otel's processor before the StatusPrioritySpanProcessor": {
    program: `${ASK} ${SDK} ${VERCEL} registerOTel({ spanProcessors: ['auto', new StatusPrioritySpanProcessor()], traceExporter });
      await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_PROCESSOR_NOT_FIRST',
    says: /list RuntraceSpanProcessor, or StatusPrioritySpanProcessor, first/,
  },
  '@vercel/otel without a processor that exports': {
    program: `${ASK} ${SDK} ${VERCEL} registerOTel({ spanProcessors: [new StatusPrioritySpanProcessor()] });
      await run({ kind: 'chat_turn' }, () => ask());`,
    code: 'RUNTRACE_NO_EXPORTER',
    says: /no span processor that exports/,
  },
  'no flush before process.exit()': {
    program: `${ASK} ${SDK} import { RuntraceSpanProcessor } from 'runtrace/exporter';
      start(new RuntraceSpanProcessor({ url: 'http://127.0.0.1:' + port + '/v1/traces' }));
      await run({ kind: 'chat_turn' }, () => ask());
      process.exit(0);`,
    code: 'RUNTRACE_NOT_FLUSHED',
    says: /ended with spans that were not sent.*sdk\.shutdown\(\)/,
  },
  'a call after its run': {
    program: `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      let late;
      await run({ kind: 'chat_turn' }, async () => { await ask(); late = new Promise((resolve) => setTimeout(resolve, 200)).then(() => ask()); });
      await late;`,
    code: 'RUNTRACE_CALL_AFTER_RUN',
    says: /made after its run had settled.*await or return/,
  },
};

describe('a mistake is reported once, with its cure:', { concurrency: 2 }, () => {
  for (const [mistake, { program, code, says }] of Object.entries(MISTAKES)) {
    test(mistake, async () => {
      const printed = await play(program);
      assert.deepEqual(printed.codes, [code], printed.err);
      assert.match(printed.err, says);
      assert.equal(printed.code, 0);
    });
  }
});

describe('nothing is printed', { concurrency: 2 }, () => {
  test('by a correct program', async () => {
    const { err, code } = await play(`${ASK} ${SDK}
      const provider = start(new StatusPrioritySpanProcessor(), exporting);
      await run({ kind: 'chat_turn' }, async () => { await ask(); await step({ model: 'gpt-5' }, () => ask()); });
      await run({ kind: 'nothing_to_ask' }, () => {});
      await provider.shutdown();`);
    assert.deepEqual([err, code], ['', 0]);
  });

  /** Each is right, and has something in common with a mistake. */
  const CORRECT = {
    "a vendor's provider whose spans derive what the SDK 1.x stores": `${ASK} import { trace } from '@opentelemetry/api';
      class VendorSpan {
        get instrumentationLibrary() { return { name: 'vendor' }; }
        spanContext() { return { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }; }
        isRecording() { return true; }
        end() {}
      }
      for (const set of ['setAttribute', 'setAttributes', 'setStatus', 'addEvent', 'addLink', 'updateName', 'recordException']) {
        VendorSpan.prototype[set] = function () { return this; };
      }
      const tracer = { startSpan: () => new VendorSpan() };
      trace.setGlobalTracerProvider({ getTracer: () => tracer });
      await run({ kind: 'chat_turn' }, () => {});`,
    'a run that asks a provider for its models': `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const models = (fetch) => fetch('http://api.openai.com:' + port + '/v1/models').then((response) => response.text());
      await run({ kind: 'list' }, () => models(fetch));
      await run({ kind: 'list' }, () => models(recordingFetch));`,
    'a query to a database whose provider has models, too': `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const query = () => fetch('http://a.snowflakecomputing.com:' + port + '/api/v2/statements', { method: 'POST', body: '{"statement":"SELECT 1"}' });
      await run({ kind: 'query' }, async () => (await query()).text());`,
    'runs that only count tokens': `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const count = (fetch, url) => fetch(url, { method: 'POST', body: '{"model":"m","messages":[]}' }).then((response) => response.text());
      for (const one of [recordingFetch, fetch]) {
        await run({ kind: 'count' }, () => count(one, 'http://api.anthropic.com:' + port + '/v1/messages/count_tokens'));
        await run({ kind: 'count' }, () => count(one, 'http://127.0.0.1:' + port + '/tokenize'));
      }`,
    'an upload to a provider through runtrace/register': `import 'runtrace/register'; ${ASK} ${SDK} ${LOOPBACK}
      start(new StatusPrioritySpanProcessor(), exporting);
      const upload = () => fetch('http://api.openai.com:' + port + '/v1/files', { method: 'POST', body: 'text' });
      await run({ kind: 'upload' }, async () => (await upload()).text());`,
    'explicit objects alone, without a context manager': `${ASK} ${WITHOUT_CONTEXT_MANAGER}
      const asking = (kind) => run({ kind }, (run) => run.step({ model: 'gpt-5' }, (step) => ask(step.fetch)));
      await Promise.all([asking('a'), asking('b')]);
      const turn = startRun({ kind: 'c' });
      const { fetch, finish } = turn.startStep({ model: 'gpt-5' });
      await ask(fetch);
      finish('completed');
      turn.finish('completed');`,
    'explicit objects without a context manager, beside a run that asks nothing': `${ASK} ${WITHOUT_CONTEXT_MANAGER} ${LOOPBACK}
      const idle = startRun({ kind: 'idle' });
      await run({ kind: 'chat_turn' }, async (run) => {
        await run.step({ model: 'gpt-5' }, (step) => ask(step.fetch, undefined, 'api.openai.com'));
        idle.finish('completed');
        await new Promise((resolve) => setTimeout(resolve, 50));
      });`,
    'explicit objects alone': `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const turn = startRun({ kind: 'chat_turn' });
      await turn.step({ model: 'gpt-5' }, () => ask(recordingFetch, undefined, 'api.openai.com'));
      turn.startStep({ model: 'a model in this process' }).finish('completed');
      turn.finish('completed');`,
    'a call without an SDK': `${ASK} await ask(); await step({ model: 'gpt-5' }, () => ask());`,
    'a step in a run that is not recorded': `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      const off = createRecorder({ capture: () => 'off' });
      await off.run({ kind: 'chat_turn' }, (run) => Promise.all([step({ model: 'gpt-5' }, () => ask()), run.step({ model: 'gpt-5' }, () => ask())]));
      await createRecorder({ capture: 'off' }).step({ model: 'gpt-5' }, () => {});`,
    'a step outside of runs, which the developer has chosen': `process.env.RUNTRACE_IMPLICIT_RUNS = 'false'; ${ASK} ${SDK}
      start(new StatusPrioritySpanProcessor(), exporting);
      await step({ model: 'gpt-5' }, () => {});`,
    'a run that only asks an MCP server': `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}';
      const call = (host) => recordingFetch('http://' + host + ':' + port + '/mcp', { method: 'POST', body });
      await run({ kind: 'look_up' }, async () => (await call('127.0.0.1')).text());
      await run({ kind: 'look_up' }, async () => (await call('api.openai.com')).text());`,
    'a call of an MCP server beside a run of startRun()': `${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting);
      const turn = startRun({ kind: 'look_up' });
      const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}';
      await recordingFetch('http://127.0.0.1:' + port + '/mcp', { method: 'POST', body }).then((response) => response.text());
      turn.finish('completed');`,
    'a run whose steps are all in a run inside of it': `${ASK} ${SDK} ${LOOPBACK} start(new StatusPrioritySpanProcessor(), exporting);
      const post = (fetch, url) => fetch(url, { method: 'POST', body: '{"x":1}' }).then((response) => response.text());
      await run({ kind: 'agent' }, async () => {
        await post(recordingFetch, 'http://127.0.0.1:' + port + '/search');
        await post(fetch, 'http://api.openai.com:' + port + '/v1/files');
        await run({ kind: 'sub_agent' }, () => ask());
      });`,
    'a shutdown in the middle of a run': `${ASK} ${SDK}
      const provider = start(new StatusPrioritySpanProcessor(), exporting);
      let goOn;
      const turn = run({ kind: 'chat_turn' }, async () => {
        await ask();
        await new Promise((resolve) => { goOn = resolve; });
        await ask();
      });
      while (!goOn) await new Promise(setImmediate);
      await provider.shutdown();
      goOn();
      await turn;`,
    "@vercel/otel, which lists one processor that holds the application's": `${ASK} ${SDK}
      ${VERCEL} registerOTel({ spanProcessors: [new StatusPrioritySpanProcessor(), 'auto'], traceExporter });
      await run({ kind: 'chat_turn' }, () => ask());`,
    'a call outside of runs, where RUNTRACE_IMPLICIT_RUNS says what is wanted': `process.env.RUNTRACE_IMPLICIT_RUNS = 'false';
      await import('runtrace/register');
      ${ASK} ${SDK} start(new StatusPrioritySpanProcessor(), exporting); await ask(fetch);`,
  };
  for (const [what, program] of Object.entries(CORRECT)) {
    test(`by ${what}`, async () => {
      const { err, code } = await play(program);
      assert.deepEqual([err, code], ['', 0]);
    });
  }

  const SILENT = {
    'in production': { NODE_ENV: 'production' },
    'in a test': { NODE_ENV: 'test' },
    'in Vitest': { VITEST: 'true' },
    'in Jest': { JEST_WORKER_ID: '1' },
    'with the SDK disabled': { OTEL_SDK_DISABLED: 'true' },
    'without a traces exporter': { OTEL_TRACES_EXPORTER: 'none' },
    'with RUNTRACE_WARNINGS=off': { RUNTRACE_WARNINGS: 'off' },
  };
  for (const [where, env] of Object.entries(SILENT)) {
    test(`${where}, with anything missing`, async () => {
      const { err } = await play(MISTAKES['no SDK']?.program ?? '', env);
      assert.equal(err, '');
    });
  }
});

test('diag is told of a mistake also where no warning is emitted', async () => {
  const { err } = await play(
    `import { diag, DiagConsoleLogger } from '@opentelemetry/api'; diag.setLogger(new DiagConsoleLogger());
    ${MISTAKES['no SDK']?.program}`,
    { NODE_ENV: 'production' },
  );
  assert.match(err, /runtrace: runs are not recorded.*\[RUNTRACE_NO_PROVIDER\]/);
});
