import assert from 'node:assert/strict';
import { type Jaeger, tag, warningsOf } from '../../support/jaeger.js';
import { documentOf, type HandMadeSpan, spanIdOf, traceIdOf } from './by-hand.js';
import type { Checks } from './checks.js';

/**
 * What runtrace's choices rest on in Jaeger, seen with spans made by hand: if a release of Jaeger changes its mind about
 * one of these, it shows here. docs/jaeger.md argues with them.
 */
export async function checkFacts(checks: Checks, jaeger: Jaeger): Promise<void> {
  const service = 'runtrace-facts';
  const send = (...spans: HandMadeSpan[]) => jaeger.send(documentOf(service, spans));

  await checks.check('attributes come back sorted by name, not in the order in which they were written', async () => {
    const traceId = traceIdOf(1);
    const attributes = { 'runtrace.step.number': 1, 'gen_ai.request.model': 'gpt-5', 'error.type': 'timeout' };
    await send({ traceId, spanId: spanIdOf(1), attributes, events: [{ name: 'runtrace.attempt', attributes }] });
    const [span] = await jaeger.trace(traceId, 1);
    const sorted = ['error.type', 'gen_ai.request.model', 'runtrace.step.number'];
    assert.deepEqual(Object.keys(span?.attributes ?? {}), sorted);
    assert.deepEqual(Object.keys(span?.events[0]?.attributes ?? {}), sorted);
    const [inUi] = await jaeger.uiTrace(traceId);
    assert.deepEqual(
      inUi?.tags.map(({ key }) => key).filter((key) => sorted.includes(key)),
      sorted,
    );
    assert.deepEqual(
      inUi?.logs[0]?.fields.map(({ key }) => key),
      ['event', ...sorted],
    );
  });

  await checks.check('two different exports of one span id are two spans with a warning', async () => {
    const traceId = traceIdOf(2);
    await send({ traceId, spanId: spanIdOf(1), attributes: { 'runtrace.status': 'in_progress' } });
    await send({ traceId, spanId: spanIdOf(1), attributes: { 'runtrace.status': 'completed' } });
    assert.equal((await jaeger.trace(traceId, 2)).length, 2);
    const warnings = (await jaeger.uiTrace(traceId)).flatMap((span) => span.warnings ?? []);
    assert.match(warnings.join('\n'), /duplicate span IDs/);
  });

  await checks.check('two identical exports of one span are one span', async () => {
    const traceId = traceIdOf(3);
    await send({ traceId, spanId: spanIdOf(1) }, { traceId, spanId: spanIdOf(2), parentSpanId: spanIdOf(1) });
    await send({ traceId, spanId: spanIdOf(1) }, { traceId, spanId: spanIdOf(3), parentSpanId: spanIdOf(1) });
    assert.equal((await jaeger.trace(traceId, 3)).length, 3);
    assert.equal((await jaeger.uiTrace(traceId)).length, 3);
  });

  await checks.check('ERROR is the mark, OK and UNSET are none, and an attribute named error fakes one', async () => {
    const traceId = traceIdOf(4);
    const parentSpanId = spanIdOf(1);
    await send(
      { traceId, spanId: spanIdOf(1), status: { code: 2, message: '429 rate_limit_exceeded' } },
      { traceId, spanId: spanIdOf(2), parentSpanId, status: { code: 1 } },
      { traceId, spanId: spanIdOf(3), parentSpanId },
      { traceId, spanId: spanIdOf(4), parentSpanId, status: { code: 1 }, attributes: { error: 'retried' } },
    );
    await jaeger.trace(traceId, 4);
    const spans = new Map((await jaeger.uiTrace(traceId)).map((span) => [span.spanID, span.tags]));
    const marks = [1, 2, 3, 4].map((number) => tag(spans.get(spanIdOf(number)) ?? [], 'error'));
    assert.deepEqual(marks, [true, undefined, undefined, 'retried']);
    assert.equal(tag(spans.get(spanIdOf(1)) ?? [], 'otel.status_description'), '429 rate_limit_exceeded');
  });

  await checks.check('an event attribute named event takes the place of the name of the event', async () => {
    const traceId = traceIdOf(5);
    await send({
      traceId,
      spanId: spanIdOf(1),
      events: [{ name: 'runtrace.attempt', attributes: { event: 'message_stop' } }],
    });
    await jaeger.trace(traceId, 1);
    const [span] = await jaeger.uiTrace(traceId);
    assert.deepEqual(
      span?.logs[0]?.fields.filter(({ key }) => key === 'event').map(({ value }) => value),
      ['message_stop'],
    );
  });

  await checks.check('a parent that is not there is a warning', async () => {
    const traceId = traceIdOf(6);
    await send({ traceId, spanId: spanIdOf(1), parentSpanId: spanIdOf(9) });
    await jaeger.trace(traceId, 1);
    const [span] = await jaeger.uiTrace(traceId);
    assert.match(span?.warnings?.join('\n') ?? '', /not in the trace/);
  });

  await checks.check('a span outside of its parent is a warning, unless both name the same host', async () => {
    const warningsFor = async (traceId: string, resource: Record<string, string>) => {
      const child = { traceId, spanId: spanIdOf(2), parentSpanId: spanIdOf(1), startMillis: 5000 };
      await jaeger.send(documentOf(service, [{ traceId, spanId: spanIdOf(1) }, child], resource));
      return (await jaeger.trace(traceId, 2)).flatMap(warningsOf);
    };
    assert.match((await warningsFor(traceIdOf(7), {})).join('\n'), /clock skew/);
    assert.deepEqual(await warningsFor(traceIdOf(9), { 'host.name': 'here' }), []);
  });

  await checks.check('a search takes every value as text, and wants all of its conditions on one span', async () => {
    const traceId = traceIdOf(8);
    await send(
      {
        traceId,
        spanId: spanIdOf(1),
        attributes: { 'runtrace.step.attempt_codes': '429 200', 'runtrace.step.number': 8 },
        events: [{ name: 'runtrace.attempt', attributes: { 'http.response.status_code': 429 } }],
      },
      { traceId, spanId: spanIdOf(2), parentSpanId: spanIdOf(1), attributes: { 'runtrace.facts': 'other' } },
    );
    await jaeger.trace(traceId, 2);
    const found = (attributes: Record<string, string>) => jaeger.search(service, attributes);
    assert.deepEqual(await found({ 'runtrace.step.number': '8' }), [traceId]);
    assert.deepEqual(await found({ 'runtrace.step.attempt_codes': '429 200' }), [traceId]);
    assert.deepEqual(await found({ 'http.response.status_code': '429' }), [traceId]);
    assert.deepEqual(await found({ 'runtrace.step.number': '8', 'http.response.status_code': '429' }), [traceId]);
    assert.deepEqual(await found({ 'runtrace.step.number': '8', 'runtrace.facts': 'other' }), []);
    assert.deepEqual(await found({ 'http.response.status_code': '42' }), []);
  });
}

/** Whether `error=true` finds what ended in error: before Jaeger's change #8217 its memory took it for the contrary. */
export async function findsErrors(jaeger: Jaeger): Promise<boolean> {
  const service = 'runtrace-finds-errors';
  const [good, bad] = [traceIdOf(101), traceIdOf(102)];
  const spans = [
    { traceId: good, spanId: spanIdOf(1), status: { code: 1 } },
    { traceId: bad, spanId: spanIdOf(1), status: { code: 2 } },
  ];
  await jaeger.send(documentOf(service, spans));
  await jaeger.trace(good, 1);
  await jaeger.trace(bad, 1);
  const found = await jaeger.search(service, { error: 'true' });
  return found.length === 1 && found[0] === bad;
}
