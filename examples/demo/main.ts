/**
 * Real model clients, a provider that misbehaves, and the runs that runtrace recorded of it.
 *
 *     npm run demo                                                      writes demo-traces.jsonl in the current folder
 *     npm run demo -- traces.jsonl                                      appends to a file of your own
 *     OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 npm run demo    sends to a backend as well
 *
 * Exits with 1, and says why, if a run could not be exported. SIGTERM and SIGINT end it early, with nothing lost.
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join, relative, resolve } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import OpenAI from 'openai';
import { recordingFetch } from 'runtrace';
import { OTLPFileExporter, RuntraceSpanProcessor } from 'runtrace/exporter';
import { BegunTraces, tracesIn } from './delivery.js';
import { startProvider } from './provider.js';
import { type Demo, SCENARIOS } from './scenarios.js';

const DEFAULT_FILE = resolve('demo-traces.jsonl');
const JAEGER_URL = 'http://localhost:16686';

const file = resolve(process.argv[2] ?? DEFAULT_FILE);
const endpoint = process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
const failures: string[] = [];
let stoppedBy: NodeJS.Signals | undefined;

await main().catch((error) => failures.push(String(error)));
for (const failure of failures) console.error(`The demo failed: ${failure}`);
// Not left to the event loop: a scenario that was stopped half-way may still be waiting for its next retry.
process.exit(failures.length > 0 ? 1 : stoppedBy ? 128 + constants.signals[stoppedBy] : 0);

async function main(): Promise<void> {
  if (file === DEFAULT_FILE) rmSync(file, { force: true });
  diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);

  // One for each destination, so that the demo can say which one failed. An application needs one, without an argument.
  const toFile = new RuntraceSpanProcessor({ exporter: new OTLPFileExporter({ path: file }) });
  const processors = new Map([[file, toFile]]);
  if (endpoint) {
    // A demo must end soon; by default an endpoint that is down is tried for longer.
    processors.set(endpoint, new RuntraceSpanProcessor({ timeoutMillis: 2000, shutdownTimeoutMillis: 4000 }));
  }
  const begun = new BegunTraces();

  const sdk = new NodeSDK({ serviceName: 'runtrace-demo', spanProcessors: [...processors.values(), begun] });
  sdk.start();

  // Anthropic's own tracing is off, so that each call is traced once.
  const provider = await startProvider();
  const baseURL = provider.url;
  const openai = new OpenAI({ apiKey: 'none', baseURL: `${baseURL}/v1`, fetch: recordingFetch });
  const openTelemetry = { traces: false };
  const anthropic = new Anthropic({ apiKey: 'none', baseURL, fetch: recordingFetch, openTelemetry });

  const titles = await playScenarios({ openai, anthropic, provider }, begun);

  // Ends what is still open, as interrupted, and delivers everything.
  await sdk.shutdown().catch((error) => failures.push(`the shutdown: ${error}`));
  await provider.close();

  for (const [destination, processor] of processors) {
    const { taken, sent } = processor.stats();
    const lost = taken.spans - sent.spans;
    if (lost > 0) failures.push(`${lost} of ${taken.spans} spans did not reach ${destination} (a warning says why)`);
  }
  const written = tracesIn(file);
  for (const [traceId, title] of titles) {
    if (!written.has(traceId)) failures.push(`"${title}", trace ${traceId}, is not in ${file}`);
  }
  printTree();
  printTraces(titles);
}

/** Plays one after the other until a signal comes. Returns the title of each run, by its trace id. */
async function playScenarios(demo: Demo, begun: BegunTraces): Promise<Map<string, string>> {
  const titles = new Map<string, string>();
  const stop = new Promise<NodeJS.Signals>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  for (const { title, play } of SCENARIOS) {
    console.log(`▶ ${title}`);
    const played = play(demo).catch((error) => {
      if (!stoppedBy) failures.push(`"${title}": ${error}`);
    });
    stoppedBy = (await Promise.race([stop, played])) ?? undefined;
    const traceIds = begun.take();
    for (const traceId of traceIds) titles.set(traceId, title);
    if (traceIds.length === 0) failures.push(`"${title}" was not recorded`);
    if (stoppedBy) break;
  }
  return titles;
}

/** `runtrace show FILE`: what it prints, it prints for any OTLP file. */
function printTree(): void {
  const manifest = createRequire(import.meta.url).resolve('runtrace/package.json');
  const { bin } = createRequire(import.meta.url)(manifest) as { bin: { runtrace: string } };
  console.log();
  const { status } = spawnSync(
    process.execPath,
    [join(manifest, '..', bin.runtrace), 'show', '--jaeger', JAEGER_URL, file],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (status !== 0) failures.push(`runtrace show ${file} exited with ${status}`);
}

function printTraces(titles: Map<string, string>): void {
  console.log(`\n${titles.size} runs, for ${file}${endpoint ? ` and ${endpoint}` : ''}:`);
  for (const [traceId, title] of titles) console.log(`  ${traceId}  ${title}`);
  console.log(`\nTo see the tree again:  npx runtrace show ${relative('.', file)}`);
  console.log(
    endpoint
      ? `In Jaeger:              ${JAEGER_URL}/trace/ and a trace id`
      : `In Jaeger:              ${JAEGER_URL}, "Search", "Upload", and this file`,
  );
}
