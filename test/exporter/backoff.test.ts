import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../src/exporter/backoff.js';
import { verdictOf } from '../../src/exporter/verdict.js';
import { fakeClock } from '../support/fake-clock.js';

const KIB = 1024;

test('pauses double up to 30 seconds, and shrink by up to a half at random', () => {
  const pauses = (random: number) => {
    const pace = new Pace(4096 * KIB, fakeClock(), () => random);
    return Array.from({ length: 7 }, () => {
      pace.failed(pace.ticket());
      return pace.pausedUntil;
    });
  };
  assert.deepEqual(pauses(1), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.deepEqual(pauses(0), [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test('requests that fail together are one failure', () => {
  const pace = new Pace(4096 * KIB, fakeClock(), () => 1);
  const [first, second] = [pace.ticket(), pace.ticket()];
  pace.failed(first);
  pace.failed(second);
  assert.equal(pace.pausedUntil, 1000);
});

test('after a failure requests are small, and grow again with every success', () => {
  const pace = new Pace(4096 * KIB, fakeClock());
  assert.equal(pace.requestLimit, 1024 * KIB);
  pace.failed(pace.ticket());
  assert.ok(pace.isDown && pace.isPaused);
  assert.equal(pace.requestLimit, 256 * KIB);
  pace.wentWell(1);
  assert.ok(!pace.isDown && !pace.isPaused);
  assert.equal(pace.requestLimit, 512 * KIB);
  pace.wentWell(1);
  pace.wentWell(1);
  assert.equal(pace.requestLimit, 1024 * KIB);
});

test('a request that was too large halves the limit for good; what a span may weigh stays', () => {
  const pace = new Pace(4096 * KIB, fakeClock());
  assert.ok(pace.tooLarge(1000 * KIB, false));
  pace.wentWell(1);
  assert.equal(pace.requestLimit, 500 * KIB);
  assert.equal(pace.spanLimit, 4096 * KIB);
});

test('a span that was too large alone is cut to half, but not below what was taken before', () => {
  const pace = new Pace(4096 * KIB, fakeClock());
  assert.ok(pace.tooLarge(4000 * KIB, true));
  assert.equal(pace.spanLimit, 2000 * KIB);
  pace.wentWell(1500 * KIB);
  assert.ok(pace.tooLarge(2000 * KIB, true));
  assert.equal(pace.spanLimit, 1500 * KIB);
  assert.ok(!pace.tooLarge(16 * KIB, true));
});

test('a result is read by the OTLP specification', () => {
  const failed = (code?: number | string, message = '') =>
    verdictOf({ code: 1, error: Object.assign(new Error(message), code !== undefined && { code }) });
  assert.equal(verdictOf({ code: 0 }), 'sent');
  assert.equal(verdictOf({ code: 1 }), 'retry');
  for (const code of [undefined, 'ECONNREFUSED', 'HPE_INVALID_CONSTANT', 429, 502, 503, 504, 14, 8]) {
    assert.equal(failed(code), 'retry', String(code));
  }
  for (const code of [301, 400, 401, 403, 404, 408, 500, 501, 3, 7, 16])
    assert.equal(failed(code), 'refused', String(code));
  assert.equal(failed(413), 'too_large');
  assert.equal(failed(8, 'Received message larger than max (5 vs. 4)'), 'too_large');
});
