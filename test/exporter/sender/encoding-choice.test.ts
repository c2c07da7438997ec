import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RuntraceExporter, type RuntraceExporterOptions } from 'runtrace/exporter';
import { endedSpans } from '../../support/spans.js';
import { type SeenRequest, startBackend, warningsOf } from './backend.js';

/** An endpoint that answers `refusal` to every request that it does not accept. */
async function fixture(
  t: TestContext,
  accepts: (request: SeenRequest) => boolean,
  refusal = 415,
  options: RuntraceExporterOptions = {},
) {
  const state = { accepts };
  const backend = await startBackend(t, (response, request) => {
    response.writeHead(state.accepts(request) ? 200 : refusal).end();
  });
  const warnings = warningsOf(t);
  const exporter = new RuntraceExporter({ url: backend.url, shutdownTimeoutMillis: 500, ...options });
  t.after(() => exporter.shutdown());
  const send = async () => {
    exporter.export(endedSpans(2), () => {});
    await exporter.forceFlush();
  };
  const encodings = () => backend.requests.map(({ format, compression }) => `${format} ${compression}`);
  return { state, exporter, warnings, send, encodings };
}

const picky: [string, (request: SeenRequest) => boolean, string][] = [
  ['no gzip', ({ compression }) => compression === 'none', 'Protobuf without compression'],
  ['JSON only', ({ format }) => format === 'json', 'JSON with gzip'],
  [
    'JSON without gzip only',
    ({ format, compression }) => format === 'json' && compression === 'none',
    'JSON without compression',
  ],
];
for (const [kind, accepts, words] of picky) {
  test(`an endpoint that accepts ${kind} gets every span, and the choice is remembered and reported once`, async (t) => {
    const { exporter, warnings, send, encodings } = await fixture(t, accepts);
    for (let i = 0; i < 3; i++) await send();
    assert.equal(exporter.stats().sent.spans, 6);
    assert.equal(exporter.stats().dropped.spans, 0);
    const [last, before] = encodings().reverse();
    assert.equal(last, before);
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.includes(`using ${words} from now on`), warnings[0]);
  });
}

test('an endpoint that accepts Protobuf only gets it from an exporter that was told to send JSON', async (t) => {
  const { exporter, send } = await fixture(t, ({ format }) => format === 'protobuf', 415, { protocol: 'http/json' });
  await send();
  assert.equal(exporter.stats().sent.spans, 2);
});

for (const refusal of [400, 406, 422]) {
  test(`a first answer of ${refusal} may mean the encoding; after a success it does not`, async (t) => {
    const { state, exporter, send, encodings } = await fixture(t, ({ format }) => format === 'json', refusal);
    await send();
    assert.equal(exporter.stats().sent.spans, 2);
    state.accepts = () => false;
    const before = encodings().length;
    await send();
    assert.equal(encodings().length, before + 1);
    assert.equal(exporter.stats().rejected.spans, 2);
  });
}

test('a 415 after a success is negotiated again', async (t) => {
  const { state, exporter, send } = await fixture(t, () => true);
  await send();
  state.accepts = ({ compression }) => compression === 'none';
  await send();
  assert.equal(exporter.stats().sent.spans, 4);
});

test('if no encoding is accepted the first answer counts, and each is tried once, not for every request', async (t) => {
  const { exporter, warnings, send, encodings } = await fixture(t, () => false);
  for (let i = 0; i < 3; i++) await send();
  assert.deepEqual(encodings(), [
    'protobuf gzip',
    'protobuf none',
    'json gzip',
    'json none',
    'protobuf gzip',
    'protobuf gzip',
  ]);
  assert.equal(exporter.stats().rejected.spans, 6);
  assert.match(warnings.join(), /requests are refused: HTTP 415/);
});

test('requests at the same time negotiate once', async (t) => {
  const { exporter, encodings, warnings } = await fixture(t, ({ format }) => format === 'json');
  for (let i = 0; i < 4; i++) {
    exporter.export(endedSpans(1, { attributes: () => ({ text: 'x'.repeat(1_000_000) }) }), () => {});
  }
  await exporter.forceFlush();
  assert.equal(exporter.stats().sent.spans, 4);
  assert.equal(encodings().filter((it) => it === 'protobuf none').length, 1);
  assert.equal(warnings.length, 1);
});
