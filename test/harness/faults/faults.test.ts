import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAULTS } from './faults.js';
import { complaintAbout, outcomeOf } from './judge.js';

// The short version: `npm run faults` has them all, with the stock exporter beside ours.
const CHEAP = [
  'none',
  '413 over 1 MiB',
  '401',
  'kill -9 in mid-export, then a restart',
  'SIGTERM with 1000 spans queued',
];

describe('nothing is lost that could be delivered, and what is lost is counted', { concurrency: 2 }, () => {
  for (const name of CHEAP) {
    const fault = FAULTS.find((it) => it.name === name);
    test(name, async () => {
      assert.ok(fault);
      const outcome = await outcomeOf(fault, fault.ours ?? 'ours');
      assert.equal(complaintAbout(fault, outcome), undefined);
    });
  }
});

test('an exporter that loses, or miscounts, is complained about', () => {
  const fault = { name: 'a fault', play: async () => {} };
  const good = { spansIn: 10, arrived: 10, duplicates: 0, counted: 0, violations: [] };
  assert.equal(complaintAbout(fault, good), undefined);
  assert.match(complaintAbout(fault, { ...good, arrived: 9 }) ?? '', /1 spans are missing, 0 are counted/);
  assert.match(complaintAbout(fault, { ...good, arrived: 9, counted: 1 }) ?? '', /1 spans are lost/);
  assert.equal(complaintAbout({ ...fault, losesSome: true }, { ...good, arrived: 9, counted: 1 }), undefined);
  assert.match(complaintAbout({ ...fault, losesSome: true }, { ...good, counted: 1 }) ?? '', /0 spans are missing, 1/);
  assert.match(complaintAbout(fault, { ...good, violations: ['no gzip'] }) ?? '', /no gzip/);
  assert.match(complaintAbout(fault, { ...good, spansIn: 0, arrived: 0 }) ?? '', /nothing was on trial/);
});
