import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../src/exporter/backoff.js';
import { readExportResult } from '../../src/exporter/sender/exporter-sender.js';
import { fakeClock } from '../support/fake-clock.js';

const KIB = 1024;

test('pauses double up to 30 seconds, and shrink by up to a half at random', () => {
  const pauses = (random: number) => {
    const backoff = new Backoff(4096 * KIB, fakeClock(), () => random);
    return Array.from({ length: 7 }, () => {
      backoff.failed(backoff.ticket());
      return backoff.pausedUntil;
    });
  };
  assert.deepEqual(pauses(1), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.deepEqual(pauses(0), [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test('requests that fail together are one failure', () => {
  const backoff = new Backoff(4096 * KIB, fakeClock(), () => 1);
  const [first, second] = [backoff.ticket(), backoff.ticket()];
  backoff.failed(first);
  backoff.failed(second);
  assert.equal(backoff.pausedUntil, 1000);
});

test('after a failure requests are small, and grow again with every success', () => {
  const backoff = new Backoff(4096 * KIB, fakeClock());
  assert.equal(backoff.requestLimit, 1024 * KIB);
  backoff.failed(backoff.ticket());
  assert.ok(backoff.isDown && backoff.isPaused);
  assert.equal(backoff.requestLimit, 256 * KIB);
  backoff.accepted(1);
  assert.ok(!backoff.isDown && !backoff.isPaused);
  assert.equal(backoff.requestLimit, 512 * KIB);
  backoff.accepted(1);
  backoff.accepted(1);
  assert.equal(backoff.requestLimit, 1024 * KIB);
});

test('a request that was too large halves the limit for good; what a span may weigh stays', () => {
  const backoff = new Backoff(4096 * KIB, fakeClock());
  assert.ok(backoff.tooLarge(1000 * KIB, false));
  backoff.accepted(1);
  assert.equal(backoff.requestLimit, 500 * KIB);
  assert.equal(backoff.spanLimit, 4096 * KIB);
});

test('a span that was too large alone is cut to half, but not below what was taken before', () => {
  const backoff = new Backoff(4096 * KIB, fakeClock());
  assert.ok(backoff.tooLarge(4000 * KIB, true));
  assert.equal(backoff.spanLimit, 2000 * KIB);
  backoff.accepted(1500 * KIB);
  assert.ok(backoff.tooLarge(2000 * KIB, true));
  assert.equal(backoff.spanLimit, 1500 * KIB);
  assert.ok(!backoff.tooLarge(16 * KIB, true));
});

test('the result of an exporter is read by the OTLP specification', () => {
  const failed = (code?: number | string, message = '', more: object = {}) =>
    readExportResult({ code: 1, error: Object.assign(new Error(message), code !== undefined && { code }, more) }, 0)
      .kind;
  assert.equal(readExportResult({ code: 0 }, 0).kind, 'accepted');
  assert.equal(readExportResult({ code: 1 }, 0).kind, 'retry');
  for (const code of [undefined, 'ECONNREFUSED', 'HPE_INVALID_CONSTANT', 429, 502, 503, 504, 1, 4, 10, 11, 14, 15]) {
    assert.equal(failed(code), 'retry', String(code));
  }
  for (const code of [301, 400, 401, 403, 404, 408, 500, 501, 3, 7, 8, 16]) {
    assert.equal(failed(code), 'refused', String(code));
  }
  assert.equal(failed(413), 'too_large');
  assert.equal(failed(8, 'Received message larger than max (5 vs. 4)'), 'too_large');
  assert.equal(failed(undefined, 'Concurrent export limit reached'), 'busy');
});
