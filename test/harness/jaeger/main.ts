/**
 * `npm run test:jaeger`: sends runs to a real Jaeger and reads them back. Exits with 77 where there is none.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { startProvider } from '../../../examples/demo/provider.js';
import * as names from '../../../src/otel/names.js';
import { findJaeger, postOtlp, startJaeger, tag, type UiSpan } from '../../support/jaeger.js';
import type { ReceivedSpan } from '../../support/otlp-receiver.js';
import { inTemporaryDirectory, type Recorded, readOtlpFile, recordTo } from './app.js';
import { Checks, say } from './checks.js';
import { checkFacts, findsErrors } from './facts.js';
import { asText, byTrace, checkRuns, checkSearch } from './runs.js';
import { checkSampling } from './sampling.js';
import { playApplications, playLongRun, playWays } from './ways.js';

const NO_JAEGER = 77;
const DEMO = fileURLToPath(new URL('../../../examples/demo/main.js', import.meta.url));
const UI_CONFIG = fileURLToPath(new URL('../../../../examples/jaeger/ui.json', import.meta.url));
const LONG_RUN = { steps: 200, attempts: 20 };

const found = await findJaeger();
if (!found) {
  say('No Jaeger. Name one in JAEGER_BINARY or put `jaeger` (2.x) on the PATH; .ci/install-jaeger builds one with Go.');
  process.exit(NO_JAEGER);
}
const { binary, version } = found;

const checks = new Checks();
const jaeger = await startJaeger(binary, version);
say(`Jaeger ${version}`);
try {
  await main();
} finally {
  await jaeger.stop();
}
process.exitCode = checks.end() ? 0 : 1;

async function main(): Promise<void> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const total = { traces: 0, sent: 0, readBack: 0 };
  const checkRecorded = async ({ sent, requests }: Recorded) => {
    const traces = byTrace(sent).size;
    say(`  ${traces} traces with ${sent.length} spans sent${requests ? ` in ${requests} requests` : ''}`);
    const readBack = await checkRuns(checks, jaeger, sent);
    total.traces += traces;
    total.sent += sent.length;
    total.readBack += readBack;
  };

  await checks.group('What runtrace relies on in Jaeger', () => checkFacts(checks, jaeger));

  await checks.group('The demo', async () => {
    const demo = await playDemo();
    await checkRecorded(demo);
    await checkSearches(demo);
    await checkUpload(demo);
    await checkFirstAttributes(demo);
  });

  const provider = await startProvider();
  await checks.group('Every way with every client, with all content', async () => {
    const app = { service: 'runtrace-ways', spansPerRequest: 4 };
    const ways = await recordTo(jaeger, app, async (recorder, tracer) => {
      await playWays({ recorder, tracer, provider });
      await playApplications({ recorder, tracer, provider });
    });
    await checkRecorded(ways);
    await checkSearches(ways);
  });
  await provider.close();

  await checks.group(`A run of ${LONG_RUN.steps} steps with ${LONG_RUN.attempts} attempts each`, async () => {
    const app = { service: 'runtrace-long', spansPerRequest: 25 };
    const long = await recordTo(jaeger, app, (recorder) => playLongRun(recorder, LONG_RUN));
    await checkRecorded(long);
    await checks.check('all of its attempts are there, and it came in several requests', () => {
      const attempts = long.sent.flatMap(({ events }) => events).filter(({ name }) => name === names.EVENT_ATTEMPT);
      assert.equal(attempts.length, LONG_RUN.steps * LONG_RUN.attempts);
      assert.ok(long.requests && long.requests > 1, `${long.requests} requests`);
    });
  });

  await checks.group('The collector of examples/jaeger', () => checkSampling(checks, binary, jaeger));

  say(`\n${total.traces} traces with ${total.sent} spans sent, ${total.readBack} spans read back`);
}

/** Runs the demo as its own process, with Jaeger as its backend and the messages captured. */
function playDemo(): Promise<Recorded> {
  return inTemporaryDirectory((directory) => {
    const file = join(directory, 'demo.jsonl');
    const env = {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint,
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'SPAN_ONLY',
    };
    const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, file], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the demo exited with ${status}:\n${stdout}\n${stderr}`);
    return readOtlpFile(file);
  });
}

/** The searches that docs/jaeger.md tells of. */
async function checkSearches(recorded: Recorded): Promise<void> {
  const { sent } = recorded;
  const retried = sent.find(({ attributes }) => Number(attributes[names.STEP_FAILED_ATTEMPT_COUNT]) > 0);
  assert.ok(retried, 'a step with a failed attempt');
  const of = (name: string) => ({ [name]: asText(retried.attributes[name]) });
  const search = (attributes: Record<string, string>) => checkSearch(checks, jaeger, sent, attributes);
  await search({ [names.STATUS]: 'interrupted' });
  await search({ [names.STATUS]: 'error', [names.RUN_KIND]: 'chat_turn' });
  await search(of(names.GEN_AI_CONVERSATION_ID));
  await search(of(names.RUN_ID));
  await search({ [names.HTTP_RESPONSE_STATUS_CODE]: '429' });
  await search({ [names.HTTP_RESPONSE_STATUS_CODE]: '429', [names.GEN_AI_PROVIDER_NAME]: 'openai' });
  await search(of(names.STEP_ATTEMPT_CODES));
  await search({ [names.RUN_FAILED_ATTEMPT_COUNT]: '0' });
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
  await checks.check('the upload form shows every span of the file, with its mark and its attempts', async () => {
    const shown = await jaeger.transform(JSON.stringify({ resourceSpans }));
    assert.deepEqual(shown.map(summaryShown).sort(), sent.map(summarySent).sort());
  });
}

/** The UI sorts attributes by name, after those that begin with a `topTagPrefixes` of its configuration, in their order. */
async function checkFirstAttributes({ sent }: Recorded): Promise<void> {
  const { topTagPrefixes } = JSON.parse(readFileSync(UI_CONFIG, 'utf8')) as { topTagPrefixes: string[] };
  const rank = (name: string) => topTagPrefixes.findIndex((prefix) => name.startsWith(prefix)) >>> 0;
  const inOrder = ({ attributes }: ReceivedSpan) =>
    Object.keys(attributes).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  await checks.check('with the ui.json of examples/jaeger a step and a run begin with how they went', () => {
    const steps = sent.filter(({ attributes }) => attributes[names.STEP_NUMBER] !== undefined);
    const runs = sent.filter(({ attributes }) => attributes[names.RUN_KIND] !== undefined);
    const ofStep = [names.STATUS, names.STEP_NUMBER, names.STEP_ATTEMPT_COUNT, names.STEP_ATTEMPT_CODES];
    const ofRun = [names.STATUS, names.RUN_STEP_COUNT, names.RUN_ATTEMPT_COUNT, names.RUN_FAILED_ATTEMPT_COUNT];
    const withoutError = (name: string) => name !== names.ERROR_TYPE;
    for (const step of steps) assert.deepEqual(inOrder(step).filter(withoutError).slice(0, 4), ofStep);
    for (const run of runs) assert.deepEqual(inOrder(run).filter(withoutError).slice(0, 4), ofRun);
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
