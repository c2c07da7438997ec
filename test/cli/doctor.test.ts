import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { startBackend } from '../exporter/sender/backend.js';
import { makeCertificates } from '../exporter/sender/certificates.js';
import { startOtlpReceiver } from '../support/otlp-receiver.js';
import { runtraceIn } from './runtrace.js';

/** A project in which these packages are installed, each at its path below `node_modules`. */
function project(t: TestContext, packages: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'runtrace-doctor-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, version] of Object.entries(packages)) {
    const installed = join(folder, 'node_modules', path);
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: path, version }));
    // The doctor must not load code of the application.
    writeFileSync(join(installed, 'index.js'), 'process.exit(42);');
  }
  return folder;
}

const HEALTHY = {
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/sdk-node': '0.223.0',
  '@opentelemetry/sdk-trace-base': '2.12.1',
  openai: '6.10.0',
};

/** No `OTEL_*` variable of the process that runs the tests. */
const BARE = { PATH: process.env.PATH ?? '' };

async function receiverEnv(t: TestContext): Promise<Record<string, string>> {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  return { ...BARE, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.replace(/\/v1\/traces$/, '') };
}

test('a set-up in order ends with 0, and says how each client is to be recorded', async (t) => {
  const { code, out, err } = await runtraceIn({ cwd: project(t, HEALTHY), env: await receiverEnv(t) }, 'doctor');
  assert.deepEqual([code, err], [0, ''], out);
  assert.match(out, /✔ node +Node\.js/);
  assert.match(out, /✔ packages +@opentelemetry\/api 1\.9\.1/);
  assert.match(out, /✔ endpoint +.*accepted a span/);
  assert.match(out, /openai 6\.10\.0: new OpenAI\(\{ fetch: recordingFetch \}\)/);
});

test('the span that it sends is named runtrace.doctor and contains nothing of the program', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const env = {
    ...BARE,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.replace(/\/v1\/traces$/, ''),
    OTEL_SERVICE_NAME: 'secret-service',
  };
  await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
  assert.deepEqual(
    receiver.spans().map(({ name, attributes }) => [name, attributes]),
    [['runtrace.doctor', {}]],
  );
  assert.ok(!inspect(receiver.spans(), { depth: null }).includes('secret-service'));
});

const WRONG: Record<string, { packages: Record<string, string>; says: RegExp }> = {
  'two versions of the API': {
    packages: { ...HEALTHY, 'some-tool/node_modules/@opentelemetry/api': '1.10.0' },
    says: /✖ packages +@opentelemetry\/api is there in 2 versions: .*1\.10\.0 \(node_modules\/some-tool/,
  },
  'an SDK 1.x': {
    packages: { ...HEALTHY, '@opentelemetry/sdk-trace-base': '1.30.1' },
    says: /✖ packages +@opentelemetry\/sdk-trace-base 1\.30\.1 is too old/,
  },
  'no SDK': { packages: { '@opentelemetry/api': '1.9.1' }, says: /✖ packages +no OpenTelemetry SDK is installed/ },
  'no API': { packages: { '@opentelemetry/sdk-trace-base': '2.12.1' }, says: /@opentelemetry\/api is not installed/ },
};
for (const [what, { packages, says }] of Object.entries(WRONG)) {
  test(`${what} is wrong`, async (t) => {
    const { code, out } = await runtraceIn({ cwd: project(t, packages), env: await receiverEnv(t) }, 'doctor');
    assert.match(out, says);
    assert.match(out, /→ /);
    assert.equal(code, 1);
  });
}

test('an SDK that only came with runtrace is told from one of the project', async (t) => {
  const alone = { '@opentelemetry/api': '1.9.1', '@opentelemetry/sdk-trace': '2.12.1' };
  const cwd = project(t, alone);
  const env = await receiverEnv(t);
  const missing = await runtraceIn({ cwd, env }, 'doctor');
  assert.match(missing.out, /· packages +no OpenTelemetry SDK but .*\n +→ npm install @opentelemetry\/sdk-node/);
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ dependencies: { '@opentelemetry/sdk-trace': '^2.12.1' } }));
  const others = ['sdk-node', 'sdk-trace-node', 'sdk-trace-base'].map((name) =>
    project(t, { ...alone, [`@opentelemetry/${name}`]: '2.12.1' }),
  );
  for (const folder of [cwd, ...others]) {
    const { code, out } = await runtraceIn({ cwd: folder, env }, 'doctor');
    assert.doesNotMatch(out, /no OpenTelemetry SDK/);
    assert.equal(code, 0);
  }
});

test('an endpoint where nothing listens is wrong, and so is one that is not OTLP', async (t) => {
  const cwd = project(t, HEALTHY);
  const receiver = await startOtlpReceiver({
    fault: () => ({ kind: 'status', status: 404 }),
  });
  const url = receiver.url.replace(/\/v1\/traces$/, '');
  const refused = await runtraceIn({ cwd, env: { ...BARE, OTEL_EXPORTER_OTLP_ENDPOINT: url } }, 'doctor');
  assert.match(refused.out, /✖ endpoint +.*did not accept a span.*404/);
  assert.equal(refused.code, 1);
  await receiver.close();
  const unanswered = await runtraceIn({ cwd, env: { ...BARE, OTEL_EXPORTER_OTLP_ENDPOINT: url } }, 'doctor');
  assert.match(unanswered.out, /✖ endpoint +.*nothing listens there/);
  assert.equal(unanswered.code, 1);
});

test('an endpoint with a likely mistake is told how to mend it', async (t) => {
  const cwd = project(t, HEALTHY);
  const { OTEL_EXPORTER_OTLP_ENDPOINT: url } = await receiverEnv(t);
  const mistakes: Readonly<Record<string, RegExp>> = {
    [`${url}/v1/traces`]: /takes the URL without \/v1\/traces/,
    [`${url}/v1`]: /takes the URL without \/v1,/,
    [`${url}`.replace('http:', 'https:')]: /speaks http, not https/,
  };
  for (const [mistake, cure] of Object.entries(mistakes)) {
    const { out, code } = await runtraceIn({ cwd, env: { ...BARE, OTEL_EXPORTER_OTLP_ENDPOINT: mistake } }, 'doctor');
    assert.match(out, cure);
    assert.equal(code, 1);
  }
});

test('an endpoint for traces without a path is told the usual one', async (t) => {
  const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'status', status: 404 }) });
  t.after(receiver.close);
  const env = { ...BARE, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url.replace(/\/v1\/traces$/, '') };
  const { out, code } = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
  assert.match(out, /404.*\n +→ the path is usually \/v1\/traces, and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT/);
  assert.equal(code, 1);
});

const UNUSABLE: Record<string, [value: string, says: RegExp]> = {
  OTEL_EXPORTER_OTLP_HEADERS: [
    '"authorization=Bearer hunter2"',
    /pair 1 of OTEL_EXPORTER_OTLP_HEADERS must be name=value/,
  ],
  OTEL_EXPORTER_OTLP_PROTOCOL: ['http', /OTEL_EXPORTER_OTLP_PROTOCOL must be one of http\/protobuf, http\/json, grpc/],
  OTEL_EXPORTER_OTLP_COMPRESSION: ['zstd', /OTEL_EXPORTER_OTLP_COMPRESSION must be 'gzip' or 'none'/],
  OTEL_EXPORTER_OTLP_TIMEOUT: ['10s', /OTEL_EXPORTER_OTLP_TIMEOUT must be a number of milliseconds/],
  OTEL_EXPORTER_OTLP_CERTIFICATE: ['/no/such.pem', /OTEL_EXPORTER_OTLP_CERTIFICATE must be the path of a file/],
};
for (const [name, [value, says]] of Object.entries(UNUSABLE)) {
  test(`${name}=${value.replace('hunter2', '…')} is wrong, and said once`, async (t) => {
    const env = { ...(await receiverEnv(t)), [name]: value };
    const { out, code } = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
    const wrong = out.split('\n').filter((line) => line.startsWith('✖'));
    assert.match(wrong.join('\n'), says);
    assert.deepEqual([wrong.length, code], [1, 1], out);
    assert.doesNotMatch(out, /hunter2/);
  });
}

test('a key that was not sent, because its header cannot be read, is named as the cause of a 401', async (t) => {
  const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'status', status: 401 }) });
  t.after(receiver.close);
  const OTEL_EXPORTER_OTLP_ENDPOINT = receiver.url.replace(/\/v1\/traces$/, '');
  const env = { ...BARE, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'authorization: Bearer hunter2' };
  const { out } = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
  assert.match(out, /HTTP 401.*\n +→ pair 1 of OTEL_EXPORTER_OTLP_HEADERS must be name=value.*; it is ignored/);
});

for (const status of [401, 403]) {
  test(`a ${status} is answered with where the key belongs, not with the usual ports`, async (t) => {
    const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'status', status }) });
    t.after(receiver.close);
    const OTEL_EXPORTER_OTLP_ENDPOINT = receiver.url.replace(/\/v1\/traces$/, '');
    const { out } = await runtraceIn(
      { cwd: project(t, HEALTHY), env: { ...BARE, OTEL_EXPORTER_OTLP_ENDPOINT } },
      'doctor',
    );
    assert.match(out, new RegExp(`HTTP ${status}.*\\n +→ the key is missing or wrong: .*OTEL_EXPORTER_OTLP_HEADERS`));
  });
}

test('a certificate that is not trusted is wrong, and accepted with the variable that the cure names', async (t) => {
  const { ca, server, read } = makeCertificates(t);
  const tls = { cert: read(server.cert), key: read(server.key) };
  const backend = await startBackend(t, (response) => response.end(), tls);
  const env = { ...BARE, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: backend.url };
  const cwd = project(t, HEALTHY);
  const refused = await runtraceIn({ cwd, env }, 'doctor');
  assert.match(refused.out, /certificate.*\n +→ OTEL_EXPORTER_OTLP_CERTIFICATE takes the file/);
  assert.equal(refused.code, 1);
  const { out, code } = await runtraceIn({ cwd, env: { ...env, OTEL_EXPORTER_OTLP_CERTIFICATE: ca } }, 'doctor');
  assert.match(out, /✔ endpoint +.*accepted a span/);
  assert.equal(code, 0);
});

test('a name that no variable of runtrace has is told from those that it reads', async (t) => {
  const env = { ...(await receiverEnv(t)), RUNTRACE_CAPTRUE: 'content', RUNTRACE_VIEW: 'http://127.0.0.1:4318' };
  const { out, code } = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
  assert.match(
    out,
    /· environment +RUNTRACE_CAPTRUE is not read\n +→ runtrace reads RUNTRACE_CAPTURE, .*RUNTRACE_VIEW/,
  );
  assert.match(out, /· environment +RUNTRACE_VIEW is set/);
  assert.equal(code, 0);
});

test('the AI SDK before version 7 is not told to register telemetry that it has not', async (t) => {
  const cwd = project(t, { ...HEALTHY, ai: '6.0.326' });
  const { out } = await runtraceIn({ cwd, env: await receiverEnv(t) }, 'doctor');
  assert.match(out, /ai 6\.0\.326: wrapModel\(model\), or with version 7 runtraceTelemetry\(\), from runtrace\/ai-sdk/);
});

test('a sampler that takes no run is wrong', async (t) => {
  for (const sampler of ['always_off', 'parentbased_always_off']) {
    const env = { ...(await receiverEnv(t)), OTEL_TRACES_SAMPLER: sampler };
    const { out, code } = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
    assert.match(out, /✖ environment +OTEL_TRACES_SAMPLER is .*always_off, so nothing is exported/);
    assert.equal(code, 1);
  }
});

test('an endpoint that is not on this machine is asked only with --send', async (t) => {
  const env = { ...BARE, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otlp.invalid:4318' };
  const { code, out } = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
  assert.match(out, /otlp\.invalid.*was not asked; --send/);
  assert.equal(code, 0);
  const asked = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor', '--send');
  assert.match(asked.out, /✖ endpoint/);
  assert.equal(asked.code, 1);
});

test('no value of a header, key or password is printed, in text and in JSON', async (t) => {
  const env = {
    ...(await receiverEnv(t)),
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer hunter2',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://user:hunter2@127.0.0.1:1/v1/traces?key=hunter2',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'hunter2',
    OPENAI_API_KEY: 'hunter2',
  };
  const cwd = project(t, HEALTHY);
  for (const args of [['doctor'], ['doctor', '--json'], ['doctor', '--send']]) {
    const { out, err } = await runtraceIn({ cwd, env }, ...args);
    assert.ok(!`${out}${err}`.includes('hunter2'), out + err);
    assert.match(out, /OTEL_EXPORTER_OTLP_HEADERS/);
  }
});

test('--json prints every finding, and hostile names cannot control the terminal', async (t) => {
  const cwd = project(t, { ...HEALTHY, '@opentelemetry/api': '1.9.1\u001b[2J\u202e' });
  const { out } = await runtraceIn({ cwd, env: { ...BARE, OTEL_SDK_DISABLED: 'true' } }, 'doctor', '--json');
  const { findings } = JSON.parse(out) as { findings: { about: string; state: string; text: string }[] };
  assert.deepEqual(
    [...new Set(findings.map(({ about }) => about))],
    ['node', 'packages', 'environment', 'endpoint', 'clients'],
  );
  assert.ok(findings.some(({ state, text }) => state === 'wrong' && /OTEL_SDK_DISABLED is true/.test(text)));
  for (const hidden of ['\u202e', '\u001b', '\\u001b']) assert.ok(!out.includes(hidden));
});

test('package.json files that are no such files, and versions that are none, are not printed and do not stop it', async (t) => {
  const cwd = project(t, {
    ...HEALTHY,
    openai: 'https://ada:hunter2@registry/openai.tgz',
    ollama: '1'.repeat(100_000),
  });
  const folders = ['groq-sdk', 'together-ai'].map((name) => join(cwd, 'node_modules', name));
  for (const folder of folders) mkdirSync(folder);
  execFileSync('mkfifo', [join(folders[0] as string, 'package.json')]);
  writeFileSync(join(folders[1] as string, 'package.json'), `{"version":"1.0.0","x":"${'x'.repeat(2 << 20)}"}`);
  const { code, out, err } = await runtraceIn({ cwd, env: await receiverEnv(t) }, 'doctor');
  assert.equal(code, 0, out + err);
  assert.match(out, /openai of an unreadable version/);
  assert.match(out, /ollama of an unreadable version/);
  assert.doesNotMatch(out, /hunter2|groq-sdk|together-ai/);
  assert.ok(out.length < 10_000);
});

test('variables of any name and value cannot control the terminal, and no value is printed', async (t) => {
  const env = {
    ...(await receiverEnv(t)),
    'OTEL_\u001b[2J\u202e': 'hunter2',
    OTEL_RESOURCE_ATTRIBUTES: 'key=hunter2\u001b[31m',
    RUNTRACE_CAPTURE: 'hunter2\u0007',
    constructor: 'hunter2',
    OTEL_TRACES_EXPORTER: '__proto__',
  };
  for (const args of [['doctor'], ['doctor', '--json']]) {
    const { out, err } = await runtraceIn({ cwd: project(t, HEALTHY), env }, ...args);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(`${out}${err}`, /hunter2|\u001b|\u0007|\u202e/);
    assert.match(out, /OTEL_TRACES_EXPORTER has a value that is not known/);
  }
});

const HOSTILE_ANSWERS: Record<string, { listener: RequestListener; says: RegExp }> = {
  'with escape sequences and the key that it got': {
    listener: (request, response) => {
      response.writeHead(401, { 'content-type': 'text/plain' });
      response.end(`\u001b]0;owned\u0007 ${request.headers['x-key']} \u202e${'x'.repeat(1e6)}`);
    },
    says: /✖ endpoint +.*HTTP 401/,
  },
  'in JSON, with escape sequences': {
    listener: (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ partialSuccess: { rejectedSpans: 1, errorMessage: 'no\u001b[2J\u2028room' } }));
    },
    says: /✖ endpoint +.*did not accept a span: no.*room/,
  },
  'that redirects to an address with a password': {
    listener: (_, response) => {
      response.writeHead(302, { location: 'http://ada:hunter2@elsewhere/\u009b?token=hunter2' }).end();
    },
    says: /✖ endpoint +.*redirected to elsewhere/,
  },
  'of a page': {
    listener: (_, response) => void response.end('<title>Jaeger UI</title>'),
    says: /✖ endpoint +.*Jaeger's page/,
  },
  'of 1 GB': {
    listener: (_, response) => {
      const chunk = Buffer.alloc(1 << 20, 'x');
      let left = 1000;
      response.on('error', () => {});
      response.writeHead(500);
      const more = () => {
        while (left-- > 0 && !response.destroyed) if (!response.write(chunk)) return void response.once('drain', more);
        response.end();
      };
      more();
    },
    says: /✖ endpoint +.*HTTP 500/,
  },
  'that never ends': {
    listener: (_, response) => void response.writeHead(503).write('wait'),
    says: /✖ endpoint +.*HTTP 503/,
  },
  'that never begins': { listener: () => {}, says: /✖ endpoint +.*no answer within 5000 ms/ },
};
describe('an answer', { concurrency: true }, () => {
  for (const [what, { listener, says }] of Object.entries(HOSTILE_ANSWERS)) {
    test(`${what} is printed as one short line without secrets, in time`, async (t) => {
      const server = createServer(listener).listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      const env = {
        ...BARE,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=hunter2',
      };
      const began = performance.now();
      const { code, out, err } = await runtraceIn({ cwd: project(t, HEALTHY), env }, 'doctor');
      assert.ok(performance.now() - began < 20_000);
      assert.equal(code, 1);
      assert.match(out, says);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      assert.doesNotMatch(`${out}${err}`, /hunter2|\u001b|\u0007|\u202e|\u2028/);
      assert.ok(out.split('\n').every((line) => line.length < 500));
    });
  }
});
