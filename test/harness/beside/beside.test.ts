/** Each in a process of its own: most of them patch what is global. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ok, type Provider, startProvider, status } from '../../../examples/demo/provider.js';
import { type Backend, startBackend } from '../../support/backend.js';
import { parseOtlpJson, type ReceivedSpan, startOtlpReceiver } from '../../support/otlp-receiver.js';
import { only } from '../../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

describe('beside', { concurrency: true }, () => {
  test("undici's instrumentation, each attempt has its HTTP span under the step", async () => {
    const { tree, spans } = await play('undici');
    assert.deepEqual(tree, ['chat_turn', '  chat undici 429,200', '    POST', '    POST']);
    assert.equal(new Set(spans.map(({ attributes }) => attributes['runtrace.run.id'])).size, 1);
  });

  test("Node's http instrumentation, a run is linked to the server's span or joined with it, and a tool's request is under the tool", async () => {
    const { tree, spans } = await play('http');
    assert.deepEqual(tree, [
      'GET',
      '  GET',
      '    joined',
      '      execute_tool weather',
      '        GET',
      '          GET',
      'chat_turn -> GET',
      '  chat http 429,200',
    ]);
    const exporting = spans.filter(({ attributes }) => `${attributes['url.full']}`.endsWith('/v1/traces'));
    assert.deepEqual(exporting, [], 'what sends the spans is not traced itself');
  });

  test('the OpenAI instrumentation of OpenTelemetry, the attempts are on its span', async () => {
    const { tree } = await play('opentelemetry-openai');
    assert.deepEqual(tree, ['chat_turn', '  chat opentelemetry-openai 429,200 (instrumentation-openai)']);
  });

  test('OpenInference, the attempts are on its span, which takes what is reported of it', async () => {
    const { tree, spans } = await play('openinference');
    assert.deepEqual(tree, ['chat_turn', '  OpenAI Chat Completions 429,200 (openinference-instrumentation-openai)']);
    const theirs = only(spans.filter(({ name }) => name.startsWith('OpenAI')));
    assert.deepEqual([theirs.attributes['runtrace.status'], theirs.status.code], ['interrupted', 0]);
  });

  test("the Anthropic client's own tracing, the attempts are on its span", async () => {
    const { tree } = await play('anthropic');
    assert.deepEqual(tree, ['chat_turn', '  anthropic.messages.create 429,200 (com.anthropic.sdk.typescript)']);
  });

  test('Langfuse, its spans are where they belong and the steps are ours: its wrapper activates no span', async () => {
    const { tree, spans, backend } = await play('langfuse');
    assert.deepEqual(tree, [
      'chat_turn',
      '  OpenAI.chat (langfuse-sdk)',
      '  chat langfuse 429,200',
      'chat_turn -> handler',
      '  chat langfuse 429,200',
      'handler (langfuse-sdk)',
      'observed',
      '  retrieval (langfuse-sdk)',
      '    chat_turn',
      '      chat langfuse 429,200',
    ]);
    const sent = backend.bodies
      .filter(({ path }) => path === '/api/public/otel/v1/traces')
      .flatMap(({ body }) => parseOtlpJson(body).spans);
    const told = (span: ReceivedSpan) =>
      `${span.spanId} ${span.name} ${span.attributes['runtrace.status']} ${span.events.length}`;
    assert.deepEqual(sent.map(told).sort(), spans.map(told).sort());
  });

  test('Sentry 11, each traces by itself and nothing is in both', async () => {
    const { tree, backend } = await play('sentry');
    assert.deepEqual(tree, ['chat_turn', '  chat sentry 429,200']);
    const theirs = sentrySpans(backend);
    assert.deepEqual(
      theirs.filter(({ attributes }) => attributes['runtrace.run.id']),
      [],
    );
    assert.equal(only(theirs.filter(({ name }) => name === 'theirs')).parent_span_id, undefined);
  });

  test('Sentry 11 as the provider, runs and steps are spans there, with their codes as attributes', async () => {
    const { spans, backend } = await play('sentry-provider');
    assert.deepEqual(spans, []);
    const theirs = sentrySpans(backend);
    const run = only(theirs.filter(({ attributes }) => attributes['runtrace.run.kind']));
    const step = only(theirs.filter(({ attributes }) => attributes['runtrace.step.id']));
    const model = only(theirs.filter(({ attributes }) => attributes['sentry.origin']?.value === 'auto.ai.openai'));
    assert.deepEqual([run.status, run.attributes['runtrace.status']?.value], ['ok', 'completed']);
    assert.deepEqual(step.attributes['runtrace.step.attempt_codes']?.value, '429 200');
    assert.deepEqual([step.parent_span_id, model.parent_span_id], [model.span_id, run.span_id]);
    assert.equal(new Set(theirs.map(({ span_id }) => span_id)).size, theirs.length);
  });

  test("Vercel's set-up, each attempt has its fetch span under the step", async () => {
    const { tree } = await play('vercel');
    assert.deepEqual(tree, [
      'GET /chat (theirs)',
      'chat_turn -> GET /chat',
      '  chat vercel 429,200',
      '    fetch POST (@vercel/otel/fetch)',
      '    fetch POST (@vercel/otel/fetch)',
    ]);
  });
});

interface Played {
  readonly spans: readonly ReceivedSpan[];
  /** A line a span, under its parent: what it is, the codes of its attempts, what it is linked to, and who made it. */
  readonly tree: string[];
  /** What Langfuse or Sentry would have got. */
  readonly backend: Backend;
}

/** Runs an application to its end; every span that it exported is valid and there once. */
async function play(app: string): Promise<Played> {
  const chatTurn = [status(429, { retryAfterMillis: 2 }), ok()] as const;
  provider.script(app, ...chatTurn, ...chatTurn, ...chatTurn);
  const [receiver, backend] = [await startOtlpReceiver(), await startBackend()];
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:OTEL|RUNTRACE|LANGFUSE|SENTRY|VERCEL)_/.test(name),
  );
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL(`apps/${app}.js`, import.meta.url)), provider.url, app],
    {
      env: {
        ...Object.fromEntries(inherited),
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        LANGFUSE_BASE_URL: backend.url,
        LANGFUSE_PUBLIC_KEY: 'none',
        LANGFUSE_SECRET_KEY: 'none',
        SENTRY_DSN: `${backend.url.replace('://', '://key@')}/1`,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const [code, stderr] = await Promise.all([
    new Promise((resolve) => child.on('close', resolve)),
    buffer(child.stderr).then(String),
  ]);
  await receiver.close();
  await backend.close();
  assert.deepEqual([code, stderr, receiver.violations], [0, '', []]);
  const spans = receiver.spans();
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'a span was exported twice');
  return { spans, tree: treeOf(spans), backend };
}

function treeOf(spans: readonly ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const under = (parent: string | undefined, indent: string): string[] =>
    spans
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .map((span) => [`${indent}${lineOf(span, byId)}`, ...under(span.spanId, `${indent}  `)])
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
      .flat();
  return under(undefined, '');
}

function lineOf(span: ReceivedSpan, byId: ReadonlyMap<string, ReceivedSpan>): string {
  const attempts = span.events.filter(({ name }) => name === 'runtrace.attempt');
  const codes = attempts.map(({ attributes }) => attributes['http.response.status_code']).join();
  const link = byId.get(span.links[0]?.spanId ?? '')?.name;
  const by = /^(?:runtrace|@opentelemetry\/instrumentation-(?:undici|http))$/.test(span.scope) ? '' : span.scope;
  return [
    span.name.replace(/^invoke_workflow /, '').replace(/^(fetch POST) .*/, '$1'),
    codes,
    link && `-> ${link}`,
    by && `(${by.replace(/^@(?:opentelemetry|arizeai)\//, '')})`,
  ]
    .filter(Boolean)
    .join(' ');
}

interface SentrySpan {
  name: string;
  span_id: string;
  parent_span_id?: string;
  status: string;
  attributes: Record<string, { value: unknown } | undefined>;
}

/** The spans in Sentry's envelopes: a JSON text a line. */
function sentrySpans({ bodies }: Backend): SentrySpan[] {
  return bodies
    .flatMap(({ body }) => body.split('\n').filter(Boolean))
    .flatMap((line) => (JSON.parse(line) as { items?: SentrySpan[] }).items ?? []);
}
