/** The packages that are measured beside runtrace, each set up as its README says. They are installed in a folder of their own. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type MeterProvider, metrics } from '@opentelemetry/api';
import type OpenAI from 'openai';

const HERE = 'test/harness/bench/peers';

export type ClientClass = typeof OpenAI;

/** Sets the package up. Returns what makes a client that it traces. */
type SetUp = (load: NodeJS.Require) => (options: ConstructorParameters<ClientClass>[0]) => OpenAI;

interface Instrumentation {
  new (): { enable(): void; setMeterProvider(provider: MeterProvider): void };
}

/** An instrumentation that patches the client's module as it is loaded. */
function instrumentation(name: string, exported: string): SetUp {
  return (load) => {
    const Class = load(name)[exported] as Instrumentation;
    const instance = new Class();
    instance.enable();
    // As the SDK does: without it, that of OpenTelemetry breaks streams.
    instance.setMeterProvider(metrics.getMeterProvider());
    const { OpenAI: Client } = freshly(load) as { OpenAI: ClientClass };
    return (options) => new Client(options);
  };
}

/** The client's module, loaded once more: the copy that was loaded before stays as it is. */
function freshly(load: NodeJS.Require): unknown {
  for (const path of Object.keys(load.cache)) if (/[\\/]openai[\\/]/.test(path)) delete load.cache[path];
  return load('openai');
}

/** By the name of the package. */
export const PEERS: Readonly<Record<string, SetUp>> = {
  '@opentelemetry/instrumentation-openai': instrumentation(
    '@opentelemetry/instrumentation-openai',
    'OpenAIInstrumentation',
  ),
  '@langfuse/openai': (load) => {
    const { observeOpenAI } = load('@langfuse/openai') as { observeOpenAI(client: OpenAI): OpenAI };
    const { OpenAI: Client } = load('openai') as { OpenAI: ClientClass };
    return (options) => observeOpenAI(new Client(options));
  },
  '@arizeai/openinference-instrumentation-openai': instrumentation(
    '@arizeai/openinference-instrumentation-openai',
    'OpenAIInstrumentation',
  ),
  '@traceloop/instrumentation-openai': instrumentation('@traceloop/instrumentation-openai', 'OpenAIInstrumentation'),
};

/** `folder`: where they are installed. */
export function loaderOf(folder: string): NodeJS.Require {
  return createRequire(join(folder, 'package.json'));
}

export function versionOf(name: string, folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/** Installs them outside of the checkout, which is built and checked with all that is in it. Returns the folder. */
export async function installPeers(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'runtrace-peers-'));
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    copyFileSync(join(HERE, file), join(folder, file));
  await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder });
  return folder;
}
