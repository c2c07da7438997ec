import assert from 'node:assert/strict';
import * as names from '../../../src/otel/names.js';
import { type Jaeger, tag, type UiSpan, warningsOf } from '../../support/jaeger.js';
import type { ReceivedEvent, ReceivedSpan, ReceivedValue } from '../../support/otlp-receiver.js';
import type { Checks } from './checks.js';

const UNSET = 0;
const OK = 1;
const ERROR = 2;
const STATUS_CODES = new Map<ReceivedValue, number>([
  ['completed', OK],
  ['error', ERROR],
  ['interrupted', UNSET],
]);
/**
 * The SDK starts its spans on whole milliseconds, so a span of its own inside one of ours, or the other way round, can
 * stick out by one or two. `/api/v3` forgives it where both name a host; `/api/traces` of Jaeger 2.13 never does.
 */
const SMALL_SKEW = /clock skew adjustment disabled; not applying calculated delta of -?([\d.]+[µn]s|[0-2](\.\d+)?ms)$/;
const NANOS_PER_MICRO = 1000n;

/** One trace: as it was sent, as Jaeger's API gives it, and as Jaeger's UI gets it. */
interface Trace {
  traceId: string;
  sent: ReceivedSpan[];
  read: ReceivedSpan[];
  shown: UiSpan[];
}

/** Checks what must hold for every run in Jaeger. Returns how many spans were read back. */
export async function checkRuns(checks: Checks, jaeger: Jaeger, sent: readonly ReceivedSpan[]): Promise<number> {
  const traces = await readTraces(jaeger, sent);
  const everyTrace = (name: string, check: (trace: Trace) => void) =>
    checks.check(name, () => {
      assert.ok(
        traces.some(({ read }) => read.some(isOurs)),
        'nothing of ours was sent',
      );
      for (const trace of traces) check(trace);
    });

  await everyTrace('every span is there once, and as it was sent', ({ sent, read, shown }) => {
    assert.deepEqual(spanIds(read), spanIds(sent));
    assert.deepEqual(shown.map(({ spanID }) => spanID).sort(), spanIds(sent));
    for (const span of sent) {
      const stored = read.find(({ spanId }) => spanId === span.spanId) as ReceivedSpan;
      assert.deepEqual(comparable(stored), comparable(span));
    }
  });
  await everyTrace('Jaeger has no warning, and every parent is in the trace', ({ read, shown }) => {
    assert.equal(read.filter(({ parentSpanId }) => !parentSpanId).length, 1, 'one root');
    for (const span of read) {
      const parent = read.find(({ spanId }) => spanId === span.parentSpanId);
      assert.ok(parent || !span.parentSpanId, `the parent of ${span.name} is missing`);
      assert.deepEqual(warningsOf(span), [], span.name);
      const mixed = parent && parent.scope !== span.scope;
      const warnings = shown.find(({ spanID }) => spanID === span.spanId)?.warnings ?? [];
      assert.deepEqual(
        warnings.filter((warning) => !(mixed && SMALL_SKEW.test(warning))),
        [],
        span.name,
      );
    }
  });
  await everyTrace('runs and steps have the status of their outcome, and errors alone have the red mark', (trace) => {
    for (const { spanId, name, status, attributes } of trace.read.filter(isOurs)) {
      const outcome = attributes[names.STATUS];
      assert.equal(status.code, STATUS_CODES.get(outcome), `${name} is ${outcome}`);
      const tags = trace.shown.find(({ spanID }) => spanID === spanId)?.tags ?? [];
      assert.equal(tag(tags, 'error'), outcome === 'error' ? true : undefined, `${name} is ${outcome}`);
      if (outcome === 'error') {
        assert.ok(attributes[names.ERROR_TYPE], `${name} says why`);
        assert.ok(tag(tags, 'otel.status_description'), `${name} says why in a line`);
      } else {
        assert.equal(attributes[names.ERROR_TYPE], undefined, `${name} is ${outcome}`);
      }
    }
  });
  await everyTrace('events are inside of their span, and attempts in their order by the microsecond', (trace) => {
    for (const { spanId, name, startTimeUnixNano, endTimeUnixNano, events } of trace.read.filter(isOurs)) {
      for (const { timeUnixNano } of events) {
        assert.ok(timeUnixNano >= startTimeUnixNano && timeUnixNano <= endTimeUnixNano, `an event outside of ${name}`);
      }
      const times = attemptsOf(events).map(({ timeUnixNano }) => timeUnixNano / NANOS_PER_MICRO);
      assert.equal(new Set(times).size, times.length, `two attempts of ${name} at one microsecond`);
      const shown = trace.shown.find(({ spanID }) => spanID === spanId) as UiSpan;
      const numbers = shown.logs
        .toSorted((a, b) => a.timestamp - b.timestamp)
        .map(({ fields }) => tag(fields, names.ATTEMPT_NUMBER))
        .filter((number) => number !== undefined);
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => Number(a) - Number(b)),
        `the attempts of ${name}`,
      );
      for (const { timestamp } of shown.logs) {
        assert.ok(
          timestamp >= shown.startTime && timestamp <= shown.startTime + shown.duration,
          `a log outside of ${name}`,
        );
      }
    }
  });
  await everyTrace('what a step and a run say of their attempts agrees with the events', ({ read }) => {
    const steps = read.filter(({ attributes }) => attributes[names.STEP_NUMBER] !== undefined);
    for (const { name, attributes, events } of steps) {
      const attempts = attemptsOf(events);
      const dropped = Number(attributes[names.STEP_DROPPED_ATTEMPT_COUNT] ?? 0);
      assert.equal(attributes[names.STEP_ATTEMPT_COUNT], attempts.length + dropped, name);
      const codes = String(attributes[names.STEP_ATTEMPT_CODES]).split(' ');
      assert.deepEqual(
        attempts.map((event) => String(event.attributes[names.HTTP_RESPONSE_STATUS_CODE] ?? 'none')),
        attempts.map((event) => {
          const code = String(codes[Number(event.attributes[names.ATTEMPT_NUMBER]) - 1]);
          return /^\d+$/.test(code) ? code : 'none';
        }),
        name,
      );
    }
    for (const run of read.filter(({ attributes }) => attributes[names.RUN_KIND] !== undefined)) {
      const own = steps.filter((step) => nearestRun(step, read) === run);
      const sum = (name: string) => own.reduce((total, step) => total + Number(step.attributes[name] ?? 0), 0);
      assert.equal(run.attributes[names.RUN_STEP_COUNT], own.length, run.name);
      assert.equal(run.attributes[names.RUN_ATTEMPT_COUNT], sum(names.STEP_ATTEMPT_COUNT), run.name);
      assert.equal(run.attributes[names.RUN_FAILED_ATTEMPT_COUNT], sum(names.STEP_FAILED_ATTEMPT_COUNT), run.name);
    }
  });
  await everyTrace('what looks like JSON is JSON, and messages have the shape that the GenAI tab reads', ({ read }) => {
    for (const { name, attributes, events } of read) {
      for (const of of [attributes, ...events.map((event) => event.attributes)]) {
        for (const [attribute, value] of Object.entries(of)) {
          if (typeof value === 'string' && /^[[{]/.test(value)) {
            assert.doesNotThrow(() => JSON.parse(value), `${attribute} of ${name}: ${value.slice(0, 200)}`);
          }
        }
      }
      for (const attribute of [names.GEN_AI_INPUT_MESSAGES, names.GEN_AI_OUTPUT_MESSAGES]) {
        if (attributes[attribute] !== undefined) checkMessages(String(attributes[attribute]));
      }
      if (attributes[names.GEN_AI_SYSTEM_INSTRUCTIONS] !== undefined) {
        checkParts(JSON.parse(String(attributes[names.GEN_AI_SYSTEM_INSTRUCTIONS])));
      }
    }
  });
  await everyTrace('nothing is named so that Jaeger takes it for something else', ({ read }) => {
    for (const { name, attributes, events } of read) {
      assert.ok(!('error' in attributes), `${name} has an attribute error`);
      for (const event of events) assert.ok(!('event' in event.attributes), `an event of ${name} has event`);
    }
  });
  return traces.reduce((count, { read }) => count + read.length, 0);
}

/** A search, and which spans it should find: those that `attributes` or an event's attributes match, as text. */
export async function checkSearch(
  checks: Checks,
  jaeger: Jaeger,
  sent: readonly ReceivedSpan[],
  attributes: Record<string, string>,
): Promise<void> {
  const query = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  await checks.check(`a search for ${query.join(' ')} finds the runs that have it, and no other`, async () => {
    const matches = (of: ReceivedSpan['attributes'], name: string, value: string) =>
      of[name] !== undefined && asText(of[name]) === value;
    const matching = sent.filter(({ attributes: own, events, status }) =>
      Object.entries(attributes).every(([name, value]) =>
        name === 'error'
          ? String(status.code === ERROR) === value
          : matches(own, name, value) || events.some((event) => matches(event.attributes, name, value)),
      ),
    );
    const wanted = new Set(matching.map(({ traceId }) => traceId));
    const all = new Set(sent.map(({ traceId }) => traceId));
    assert.ok(wanted.size > 0 && wanted.size < all.size, `${wanted.size} of ${all.size} runs match: no test`);
    const service = String(sent[0]?.resource['service.name']);
    const found = await jaeger.search(service, attributes);
    assert.deepEqual(found.filter((traceId) => all.has(traceId)).sort(), [...wanted].sort());
  });
}

/** As Jaeger compares it. */
export function asText(value: ReceivedValue): string {
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
}

async function readTraces(jaeger: Jaeger, sent: readonly ReceivedSpan[]): Promise<Trace[]> {
  return Promise.all(
    [...byTrace(sent)].map(async ([traceId, ofTrace]) => {
      const read = await jaeger.trace(traceId, ofTrace.length);
      return { traceId, sent: ofTrace, read, shown: await jaeger.uiTrace(traceId) };
    }),
  );
}

/** Spans by the id of their trace. */
export function byTrace(spans: readonly ReceivedSpan[]): Map<string, ReceivedSpan[]> {
  const traces = new Map<string, ReceivedSpan[]>();
  for (const span of spans) traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), span]);
  return traces;
}

/** A span without what Jaeger may order as it likes. */
function comparable(span: ReceivedSpan): unknown {
  const { traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes, links } = span;
  return {
    ...{ traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes },
    status: { code: span.status.code, message: span.status.message || undefined },
    events: span.events
      .map((event) => ({ name: event.name, at: event.timeUnixNano, attributes: event.attributes }))
      .sort((a, b) => Number(a.at - b.at)),
    links: links.map((link) => [link.traceId, link.spanId, link.attributes]),
    scope: span.scope,
    service: span.resource['service.name'],
  };
}

function isOurs({ attributes }: ReceivedSpan): boolean {
  return attributes[names.STATUS] !== undefined;
}

function attemptsOf(events: readonly ReceivedEvent[]): ReceivedEvent[] {
  return events
    .filter(({ name }) => name === names.EVENT_ATTEMPT)
    .toSorted((a, b) => Number(a.timeUnixNano - b.timeUnixNano));
}

function nearestRun(span: ReceivedSpan, spans: readonly ReceivedSpan[]): ReceivedSpan | undefined {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return !parent || parent.attributes[names.RUN_KIND] !== undefined ? parent : nearestRun(parent, spans);
}

const ROLES = ['system', 'user', 'assistant', 'tool'];

function checkMessages(text: string): void {
  const messages: unknown = JSON.parse(text);
  assert.ok(Array.isArray(messages), text);
  for (const { role, parts } of messages) {
    assert.ok(ROLES.includes(role), `role ${role}`);
    checkParts(parts);
  }
}

function checkParts(parts: unknown): void {
  assert.ok(Array.isArray(parts), JSON.stringify(parts));
  for (const part of parts) {
    assert.equal(typeof part.type, 'string', JSON.stringify(part));
    if (part.type === 'text' || part.type === 'reasoning') assert.equal(typeof part.content, 'string');
    if (part.type === 'tool_call') assert.equal(typeof part.name, 'string');
  }
}

function spanIds(spans: readonly ReceivedSpan[]): string[] {
  return spans.map(({ spanId }) => spanId).sort();
}
