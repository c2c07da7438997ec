import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapFetch } from 'runtrace';
import { traced } from '../support/traced.js';

const answer = wrapFetch(async () => Response.json({ ok: true }));

/** Processor time of a POST at a provider to a path of 64 Ki characters, in microseconds; the least of three. */
async function costOf(host: string, piece: string): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round < 3; round++) {
    // No path comes twice: what is known of one is remembered.
    const url = `https://${host}/${piece.repeat(65_536 / piece.length)}end${round}`;
    const start = process.cpuUsage();
    await (await answer(url, { method: 'POST', body: '{}' })).text();
    const { user, system } = process.cpuUsage(start);
    costs.push(user + system);
  }
  return Math.min(...costs);
}

test('a long path costs the same whatever is repeated in it', async () => {
  const { recorder, shutdown } = traced();
  await recorder.run({ kind: 'evaluation' }, async () => {
    for (const host of ['api.openai.com', 'bedrock-runtime.us-east-1.amazonaws.com']) {
      const plain = await costOf(host, 'plain path/');
      for (const piece of ['/', '_', 'a_b', '/model/']) {
        const cost = await costOf(host, piece);
        // Tried from each place on, such a path took from 20 to 500 times as long.
        assert.ok(cost <= 5 * plain + 20_000, `${host} ${piece}: ${cost} µs for ${plain} µs`);
      }
    }
  });
  await shutdown();
});
