/** Next.js: builds a site, and serves it twice: its model client has the recording fetch, or `runtrace/register` sees it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../../../support/until.js';
import { type Recorded, recordedOf, spansOf } from '../support/otlp.js';
import { playAll } from '../support/play.js';
import { frameworkAt } from '../support/server.js';

const HERE = fileURLToPath(new URL('./', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const ENV = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };

// Beside the installed packages, which are outside of this checkout.
const packages = realpathSync(join(HERE, 'node_modules'));
const stage = mkdtempSync(join(dirname(packages), 'stage-'));
const site = join(stage, 'nextjs', 'site');
const next = join(packages, 'next', 'dist', 'bin', 'next');
process.on('exit', () => rmSync(stage, { recursive: true, force: true }));

function build(): void {
  cpSync(join(HERE, 'site'), site, { recursive: true });
  mkdirSync(join(stage, 'support'));
  for (const file of ['weather.js', 'prompt.js']) cpSync(join(HERE, '../support', file), join(stage, 'support', file));
  const runtrace = join(stage, 'node_modules', 'runtrace');
  for (const part of ['dist', 'package.json']) cpSync(join(ROOT, part), join(runtrace, part), { recursive: true });
  execFileSync(process.execPath, [next, 'build'], { cwd: site, env: ENV, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Starts the site; resolves to its address. */
async function start(traces: string, env: NodeJS.ProcessEnv): Promise<string> {
  const server = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: site,
    env: { ...ENV, TRACES: traces, ...env },
    // It prints each stream that breaks.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  process.on('exit', () => server.kill());
  const ended = once(server, 'exit').then(([code]) => Promise.reject(new Error(`next start ended with ${code}`)));
  ended.catch(() => {});
  return Promise.race([addressIn(server.stdout), ended]);
}

async function addressIn(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(output)) {
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (address) return address;
  }
  throw new Error('next start printed no address');
}

/** What was recorded since the last time: waits for the end of a run. */
function recordedIn(files: readonly string[]): () => Promise<Recorded> {
  const all = () => files.filter((file) => existsSync(file)).flatMap((file) => spansOf(readFileSync(file, 'utf8')));
  const known = new Set<string>();
  const unknown = () => all().filter((span) => !known.has(span.spanContext().spanId));
  return async () => {
    await until(() => recordedOf(unknown()).runs().length > 0);
    const spans = unknown();
    for (const span of spans) known.add(span.spanContext().spanId);
    return recordedOf(spans);
  };
}

await playAll(async (MODELS) => {
  build();
  const [byFetch, byRegister] = [join(stage, 'fetch.jsonl'), join(stage, 'register.jsonl')];
  const fetching = await start(byFetch, { MODELS });
  const registered = await start(byRegister, { MODELS, REGISTER: '1', NODE_OPTIONS: '--import runtrace/register' });
  return {
    ways: {
      recordingFetch: frameworkAt(fetching, 'response'),
      'runtrace/register': frameworkAt(registered, 'response'),
    },
    beginsRun: true,
    recorded: recordedIn([byFetch, byRegister]),
  };
});
