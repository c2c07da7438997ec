/**
 * `npm run test:jaeger`: sends runs to a real Jaeger and reads them back. Exits with 77 where there is none.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { startProvider } from '../../examples/demo/provider.js';
import * as names from '../../src/attributes.js';
import { findJaeger, postOtlp, startJaeger, tag, type UiSpan } from '../support/jaeger.js';
import type { ReceivedSpan } from '../support/otlp-receiver.js';
import { type Recorded, readOtlpFile, recordTo } from './app.js';
import { Checks, say } from './checks.js';
import { checkFacts, findsErrors } from './facts.js';
import { byTrace, checkRuns, checkSearch } from './runs.js';
import { checkSampling } from './sampling.js';
import { playApplications, playLongRun, playWays } from './ways.js';

const NO_JAEGER = 77;
const DEMO = fileURLToPath(new URL('../../examples/demo/main.js', import.meta.url));
const LONG_RUN = { steps: 200, attempts: 20 };

const found = await findJaeger();
if (!found) {
  say('No Jaeger. Name one in JAEGER_BINARY or put `jaeger` (2.x) on the PATH; .ci/install-jaeger builds one with Go.');
  process.exit(NO_JAEGER);
}
const { binary, version } = found;

const checks = new Checks();
const jaeger = await startJaeger(binary, version);
say(`Jaeger ${version}: ${binary}`);
try {
  await main();
} finally {
  await jaeger.stop();
}
process.exitCode = checks.end() ? 0 : 1;

async function main(): Promise<void> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  let traces = 0;
  let spans = 0;
  let readBack = 0;
  const checkRecorded = async (title: string, recorded: Recorded) => {
    const traceIds = new Set(recorded.sent.map(({ traceId }) => traceId));
    say(`\n${title}: ${traceIds.size} traces, ${recorded.sent.length} spans, ${recorded.requests} requests`);
    const read = await checkRuns(checks, jaeger, recorded.sent);
    traces += traceIds.size;
    spans += recorded.sent.length;
    readBack += read;
  };

  say('\nWhat runtrace relies on in Jaeger');
  await checkFacts(checks, jaeger);

  const demo = playDemo();
  await checkRecorded('The demo', demo);
  await checkSearches(demo);

  const provider = await startProvider();
  const service = 'runtrace-ways';
  const ways = await recordTo(jaeger, { service, spansPerRequest: 4 }, async (recorder, tracer) => {
    await playWays({ recorder, tracer, provider });
    await playApplications({ recorder, tracer, provider });
  });
  await checkRecorded('Every way with every client, all content captured, four spans a request', ways);
  await checkSearches(ways);

  const long = await recordTo(jaeger, { service: 'runtrace-long', spansPerRequest: 25 }, (recorder, tracer) =>
    playLongRun({ recorder, tracer, provider }, LONG_RUN.steps, LONG_RUN.attempts),
  );
  await provider.close();
  await checkRecorded(`A run of ${LONG_RUN.steps} steps with ${LONG_RUN.attempts} attempts each`, long);
  await checks.check('all of its attempts are there, and it came in several requests', () => {
    const attempts = long.sent.flatMap(({ events }) => events).filter(({ name }) => name === names.EVENT_ATTEMPT);
    assert.equal(attempts.length, LONG_RUN.steps * LONG_RUN.attempts);
    assert.ok(long.requests > 1, `${long.requests} requests`);
  });

  say('\nThe OTLP file through the upload form');
  await checkUpload(demo);

  say('\nThe collector of examples/jaeger');
  await checkSampling(checks, binary, jaeger);

  say(`\n${traces} traces with ${spans} spans sent, ${readBack} spans read back`);
}

/** Runs the demo as its own process, with Jaeger as its backend and the messages captured. */
function playDemo(): Recorded {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-demo-'));
  const file = join(directory, 'demo.jsonl');
  const env = {
    ...process.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint,
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'SPAN_ONLY',
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, file], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the demo exited with ${status}:\n${stdout}\n${stderr}`);
  const recorded = { ...readOtlpFile(file), requests: 1 };
  rmSync(directory, { recursive: true });
  return recorded;
}

async function checkSearches(recorded: Recorded): Promise<void> {
  const { sent } = recorded;
  const conversation = sent.find(({ attributes }) => attributes[names.GEN_AI_CONVERSATION_ID]);
  await checkSearch(checks, jaeger, sent, { [names.STATUS]: 'interrupted' });
  await checkSearch(checks, jaeger, sent, { [names.STATUS]: 'error' });
  await checkSearch(checks, jaeger, sent, {
    [names.GEN_AI_CONVERSATION_ID]: String(conversation?.attributes[names.GEN_AI_CONVERSATION_ID]),
  });
  await checkSearch(checks, jaeger, sent, { [names.HTTP_RESPONSE_STATUS_CODE]: '429' });
  await checkErrorSearch(recorded);
}

/** In the memory of an older Jaeger `error=true` finds the contrary: then one that stores in Badger is asked. */
async function checkErrorSearch({ sent, lines }: Recorded): Promise<void> {
  if (await findsErrors(jaeger)) return checkSearch(checks, jaeger, sent, { error: 'true' });
  const withBadger = await startJaeger(binary, version, 'badger');
  try {
    say(`  (the memory store of this Jaeger takes error=true for error=false: its Badger store is asked)`);
    for (const line of lines) await postOtlp(withBadger.endpoint, line);
    for (const [traceId, { length }] of byTrace(sent)) await withBadger.trace(traceId, length);
    await checkSearch(checks, withBadger, sent, { error: 'true' });
  } finally {
    await withBadger.stop();
  }
}

/** The UI's upload tab makes one document of the lines of a file. */
async function checkUpload({ sent, lines }: Recorded): Promise<void> {
  const resourceSpans = lines.flatMap((line) => (JSON.parse(line) as { resourceSpans: unknown[] }).resourceSpans);
  await checks.check('every span of the file is shown once, with its mark and its attempts', async () => {
    const shown = await jaeger.transform(JSON.stringify({ resourceSpans }));
    assert.deepEqual(shown.map(summaryShown).sort(), sent.map(summarySent).sort());
  });
}

function summaryShown({ traceID, spanID, operationName, tags, logs }: UiSpan): string {
  const numbers = logs.map(({ fields }) => tag(fields, names.ATTEMPT_NUMBER)).filter((number) => number !== undefined);
  return [traceID, spanID, operationName, tag(tags, names.STATUS), tag(tags, 'error') === true, numbers].join(' ');
}

function summarySent({ traceId, spanId, name, attributes, status, events }: ReceivedSpan): string {
  const numbers = events
    .map((event) => event.attributes[names.ATTEMPT_NUMBER])
    .filter((number) => number !== undefined);
  return [traceId, spanId, name, attributes[names.STATUS], status.code === 2, numbers].join(' ');
}
