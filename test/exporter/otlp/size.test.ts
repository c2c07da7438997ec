import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeRequest } from '../../../src/exporter/otlp/json.js';
import { resourceBytes, spanBytes, textBytes } from '../../../src/exporter/otlp/size.js';
import type { ReadableSpan } from '../../../src/exporter/otlp/span.js';
import { endedSpans } from '../../support/spans.js';

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

function estimate(spans: readonly ReadableSpan[]): number {
  return spans.reduce((sum, span) => sum + spanBytes(span), resourceBytes(spans[0] as ReadableSpan));
}

test('a short text weighs exactly what it weighs as JSON', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  );
  fc.assert(fc.property(anyText, (text) => textBytes(text) === jsonBytes(text)));
});

test('a long text weighs what it is, and at most a tenth more', () => {
  const long = {
    prose: 'The quick brown fox “jumps” over the lazy dog. '.repeat(3000),
    json: JSON.stringify({
      messages: Array.from({ length: 900 }, (_, i) => ({ role: 'user', content: `say "${i}"\n` })),
    }),
    prompt: 'Answer from these. '.repeat(80) + JSON.stringify(Array(40).fill({ id: 'a-1', text: 'one\n\ttwo' })),
    japanese: '吾輩は猫である。名前はまだ無い。'.repeat(3000),
    emoji: '👩‍🚀🎉'.repeat(3000),
    mixed: 'a'.repeat(50_000) + '"'.repeat(50_000),
  };
  for (const [name, text] of Object.entries(long)) {
    const ratio = textBytes(text) / jsonBytes(text);
    assert.ok(ratio >= 1 && ratio <= 1.1, `${name}: ${ratio}`);
  }
});

test('spans weigh at least what they are, and not much more', () => {
  const shapes: Record<string, ReadableSpan[]> = {
    bare: endedSpans(200),
    model: endedSpans(200, {
      attributes: (i) => ({
        'gen_ai.request.model': 'gpt-5',
        'gen_ai.usage.input_tokens': i,
        ratio: i / 3,
        done: true,
        codes: ['429', '200'],
      }),
      before: (span) => {
        for (let i = 0; i < 5; i++)
          span.addEvent('runtrace.attempt', { 'http.response.status_code': 429, text: '"'.repeat(300) });
        span.addLink({ context: span.spanContext(), attributes: { why: 'because' } });
        span.setStatus({ code: 2, message: 'no "luck"' });
      },
    }),
    large: endedSpans(3, { attributes: () => ({ body: JSON.stringify(Array(20_000).fill('a "b"')) }) }),
  };
  for (const [name, spans] of Object.entries(shapes)) {
    const ratio = estimate(spans) / Buffer.byteLength(encodeRequest(spans));
    assert.ok(ratio >= 1 && ratio <= 1.35, `${name}: ${ratio}`);
  }
});

test('weighing a megabyte is at least ten times cheaper than writing it', () => {
  const text = JSON.stringify({ text: 'all "work" and no play '.repeat(50_000) });
  const measure = (work: () => unknown) => {
    work();
    const start = performance.now();
    for (let i = 0; i < 5; i++) work();
    return performance.now() - start;
  };
  assert.ok(measure(() => textBytes(text)) * 10 < measure(() => jsonBytes(text)));
});
