/** What a cell's plays ask of the provider, and what must have been exported of them. */
import assert from 'node:assert/strict';
import { type Behaviour, ok, resetMidStream, slow, stallMidStream, status } from '../../../examples/demo/provider.js';
import type { ReceivedSpan } from '../../support/otlp-receiver.js';
import { only } from '../../support/traced.js';
import { type Play, RUN_ID } from './cell/plays.js';

const [UNSET, OK, ERROR] = [0, 1, 2];
const TEXT = 'One, two, three, four, five, six, seven, eight, nine, ten.';

/** Enough for the first text to have come with every API. */
const PIECES_BEFORE_STALL = 6;

interface Expectation {
  /** How the provider behaves. */
  readonly script: [Behaviour, ...Behaviour[]];
  /** Throws if it isn't so. */
  check(exported: Exported): void;
}

/** The spans of one run. */
interface Exported {
  readonly run: ReceivedSpan;
  readonly steps: ReceivedSpan[];
  /** Spans that other code made. */
  readonly others: ReceivedSpan[];
  /** Whether they were there when `forceFlush` had returned. */
  readonly flushed: boolean;
}

export const EXPECTED: Record<Play, Expectation> = {
  retried: {
    script: [status(429, { retryAfterMillis: 5 }), status(429, { retryAfterMillis: 5 }), ok()],
    check({ run, steps, flushed }) {
      const step = only(steps);
      ended(step, 'completed', OK);
      assert.deepEqual(step.attributes['runtrace.step.attempt_codes'], '429 429 200');
      assert.deepEqual(attemptsOf(step), ['failed', 'failed', 'completed']);
      assert.equal(step.attributes['gen_ai.usage.output_tokens'], 8);
      ended(run, 'completed', OK);
      assert.equal(run.attributes['runtrace.run.attempt_count'], 3);
      assert.ok(flushed, 'forceFlush did not export it');
    },
  },
  aborted: {
    script: [stallMidStream(PIECES_BEFORE_STALL, { text: TEXT })],
    check({ steps, flushed }) {
      ended(only(steps), 'interrupted', UNSET);
      assert.deepEqual(attemptsOf(only(steps)), ['aborted']);
      assert.ok(flushed, 'forceFlush did not export it');
    },
  },
  reset: {
    script: [resetMidStream(4, { text: TEXT })],
    check({ run, steps }) {
      ended(only(steps), 'error', ERROR);
      // The AI SDK tries again where the reset comes before anything of the stream.
      assert.deepEqual([...new Set(attemptsOf(only(steps)))], ['failed']);
      ended(run, 'error', ERROR);
    },
  },
  streamed: {
    script: [slow(5, { text: TEXT })],
    check({ run, steps }) {
      const step = only(steps);
      ended(step, 'completed', OK);
      assert.deepEqual(attemptsOf(step), ['completed']);
      assert.equal(step.attributes['runtrace.step.operation'], 'stream');
      assert.equal(step.attributes['gen_ai.usage.input_tokens'], 12);
      assert.equal(typeof step.events[0]?.attributes['runtrace.attempt.time_to_first_chunk_ms'], 'number');
      ended(run, 'completed', OK);
    },
  },
  meddled: {
    script: [ok()],
    check({ run, steps, others }) {
      ended(run, 'completed', OK);
      ended(only(steps), 'completed', OK);
      const theirs = only(others);
      assert.equal(theirs.parentSpanId, run.spanId);
      assert.equal(theirs.attributes['runtrace.run.id'], run.attributes['runtrace.run.id']);
    },
  },
  identified: {
    script: [ok()],
    check({ run, steps }) {
      assert.equal(run.traceId, RUN_ID.replaceAll('-', ''));
      ended(only(steps), 'completed', OK);
    },
  },
  open: {
    script: [ok()],
    check({ run, steps, flushed }) {
      ended(run, 'interrupted', UNSET);
      assert.deepEqual(steps, []);
      assert.equal(flushed, false, 'forceFlush ended a run that was not over');
    },
  },
};

/** What is wrong with what was exported; nothing if it is right. */
export function complaints(spans: readonly ReceivedSpan[], flushed: ReadonlySet<string>): string[] {
  const found: string[] = [];
  const ids = new Set(spans.map(({ spanId }) => spanId));
  if (ids.size !== spans.length) found.push(`${spans.length - ids.size} spans were exported more than once`);
  for (const [play, { check }] of Object.entries(EXPECTED)) {
    try {
      const run = only(spans.filter((it) => isRun(it) && it.attributes['gen_ai.conversation.id'] === play));
      const inside = spans.filter(({ traceId, spanId }) => traceId === run.traceId && spanId !== run.spanId);
      const steps = inside.filter(isStep);
      for (const step of steps) assert.equal(step.parentSpanId, run.spanId, 'a step is not under its run');
      check({ run, steps, others: inside.filter((span) => !isStep(span)), flushed: flushed.has(run.spanId) });
    } catch (error) {
      found.push(`${play}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return found;
}

function isRun({ attributes }: ReceivedSpan): boolean {
  return 'runtrace.run.kind' in attributes;
}

function isStep({ attributes }: ReceivedSpan): boolean {
  return 'runtrace.step.id' in attributes;
}

function ended({ name, attributes, status }: ReceivedSpan, how: string, code: number | undefined): void {
  assert.deepEqual([attributes['runtrace.status'], status.code], [how, code], `how ${name} ended`);
}

function attemptsOf({ events }: ReceivedSpan): unknown[] {
  return events
    .filter(({ name }) => name === 'runtrace.attempt')
    .map(({ attributes }) => attributes['runtrace.attempt.status']);
}
