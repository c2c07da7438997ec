/**
 * An application in a process of its own: it plays a few runs, and spans that make an encoding difficult, and delivers them
 * as the `OTEL_EXPORTER_OTLP_*` variables say. Writes to the file of its first argument which spans those were. With a second
 * argument `numbers` it plays only a span with numbers that JSON or a 64-bit integer cannot hold.
 */
import { writeFileSync } from 'node:fs';
import { serialize } from 'node:v8';
import { createTraceState, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import OpenAI from 'openai';
import { recordingFetch, run, tool } from 'runtrace';
import { ok, resetMidStream, startProvider, status } from '../../../examples/demo/provider.js';
import { createDelivery } from './application.js';
import { type ComparableSpan, SpanRecorder } from './recorded-spans.js';

/** What the process leaves in its file. */
export interface Sent {
  spans: ComparableSpan[];
  /** How many spans the exporter counted as delivered. */
  sentCount: number;
}

const [output = '', plays] = process.argv.slice(2);

const delivery = createDelivery();
const recorder = new SpanRecorder();
const sdk = new NodeSDK({ spanProcessors: [...delivery.spanProcessors, recorder] });
sdk.start();
if (plays === 'numbers') {
  playNumbers();
} else {
  await playRuns();
  playDifficultSpan();
}
await sdk.shutdown();
const sent: Sent = { spans: recorder.spans(), sentCount: delivery.sentCount() };
writeFileSync(output, serialize(sent));

/** A run of each outcome, with refused attempts, a tool and a nested run. */
async function playRuns(): Promise<void> {
  const provider = await startProvider();
  const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch, maxRetries: 1 });
  const ask = (model: string) =>
    openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'Wie heißt die Hauptstadt? 🗺️' }] });
  provider.script('refused-once', status(429, { retryAfterMillis: 5 }), ok({ text: 'Lisboa' }));
  provider.script('refused', status(400));
  provider.script('reset', resetMidStream(2, { text: 'one two three four' }));

  await run({ kind: 'chat_turn', conversationId: 'conversation', userId: 'ada' }, async () => {
    await ask('refused-once');
    await tool({ name: 'weather', callId: 'call_1' }, () => run({ kind: 'forecast' }, () => ask('gpt-5')));
  });
  await run({ kind: 'chat_turn' }, () => ask('refused')).catch(() => {});
  await run({ kind: 'chat_turn' }, async () => {
    for await (const _ of await openai.chat.completions.create({ model: 'reset', messages: [], stream: true })) {
      // The connection breaks on the way.
    }
  }).catch(() => {});
  const stopped = new AbortController();
  stopped.abort();
  await run({ kind: 'chat_turn' }, () =>
    openai.chat.completions.create({ model: 'gpt-5', messages: [] }, { signal: stopped.signal }),
  ).catch(() => {});
  await provider.close();
}

/** Every type of attribute and its limits, a trace state, links, events and a status with a message. */
function playDifficultSpan(): void {
  const linked = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
  };
  const span = trace.getTracer('difficult', '1.2.3').startSpan('schwierig "\\ \u0001 🗺️', {
    kind: SpanKind.CONSUMER,
    startTime: [1_700_000_000, 123_456_789],
    links: [
      { context: { ...linked, traceState: createTraceState('vendor=value') }, attributes: { reason: 'first' } },
      { context: { ...linked, spanId: '00f067aa0ba902b7' } },
    ],
  });
  span.setAttributes({
    text: 'Zeile 1\nZeile 2\t"quoted" \\ \u2028 𝄞',
    empty: '',
    true: true,
    false: false,
    zero: 0,
    negative: -42,
    'integer.max_safe': Number.MAX_SAFE_INTEGER,
    'integer.min_safe': Number.MIN_SAFE_INTEGER,
    'double.small': 5e-324,
    'double.fraction': 0.1,
    texts: ['a', '', 'ü'],
    numbers: [1, 2.5, -3],
    booleans: [true, false],
    none: [],
    // Compresses well: it shows on the wire whether the request was compressed.
    large: 'all work and no play '.repeat(5000),
  });
  span.addEvent('first', { at: 'the start', count: 1 }, [1_700_000_000, 123_456_790]);
  span.addEvent('second', {}, [1_700_000_000, 999_999_999]);
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'schiefgegangen: "ü"' });
  span.end([1_700_000_001, 1]);
}

function playNumbers(): void {
  const span = trace.getTracer('difficult').startSpan('numbers');
  span.setAttributes({
    'double.huge': 1e300,
    'double.two_to_63': 2 ** 63,
    'double.nan': Number.NaN,
    'double.infinity': Number.POSITIVE_INFINITY,
    'double.minus_infinity': Number.NEGATIVE_INFINITY,
  });
  span.end();
}
