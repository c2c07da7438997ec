import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAULTS, type Fault } from './faults.js';
import { complaintAbout, outcomeOf } from './judge.js';
import type { Outcome } from './trial.js';

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

test('an exporter that loses, miscounts or disturbs is complained about', () => {
  const fault: Fault = { name: 'a fault', play: async () => {} };
  const good: Outcome = {
    spansIn: 10,
    arrived: 10,
    duplicates: 0,
    onDisk: 0,
    lost: 0,
    falselySent: 0,
    early: 0,
    maxRssBytes: 100,
    violations: [],
  };
  const cases: [fault: Partial<Fault>, outcome: Partial<Outcome>, complaint: RegExp | undefined][] = [
    [{}, {}, undefined],
    [{}, { arrived: 9 }, /1 spans are missing, 0 are counted/],
    [{}, { arrived: 9, lost: 1 }, /1 spans are lost/],
    [{}, { arrived: 9, onDisk: 1 }, undefined],
    [{}, { onDisk: 1 }, /-1 spans are missing, 0/],
    [{ losesSome: true }, { arrived: 9, lost: 1 }, undefined],
    [{ losesSome: true }, { lost: 1 }, /0 spans are missing, 1/],
    [{ hasUnconfirmed: true }, { arrived: 9, onDisk: 2 }, undefined],
    [{}, { arrived: 11 }, /-1 spans are missing/],
    [{ losesSome: true, countsUnderWay: true }, { arrived: 8, lost: 3 }, undefined],
    [{ losesSome: true, countsUnderWay: true }, { arrived: 8, lost: 1 }, /2 spans are missing, 1 are counted/],
    [{ losesSome: true, recovers: true }, { arrived: 1, lost: 9 }, undefined],
    [{ losesSome: true, recovers: true }, { arrived: 0, lost: 10 }, /nothing arrived/],
    [{}, { early: 1 }, /1 requests came while/],
    [{ maxRssBytes: 2 ** 20 }, { maxRssBytes: 3 * 2 ** 20 }, /took 3 MiB/],
    [{}, { violations: ['no gzip'] }, /no gzip/],
    [{}, { spansIn: 0, arrived: 0 }, /nothing was on trial/],
  ];
  for (const [of, outcome, expected] of cases) {
    const complaint = complaintAbout({ ...fault, ...of }, { ...good, ...outcome });
    if (expected) assert.match(complaint ?? '', expected);
    else assert.equal(complaint, undefined);
  }
});
