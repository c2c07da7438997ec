import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapFetch } from 'runtrace';
import { traced } from '../../support/traced.js';

const refuse = wrapFetch(async () => Response.json({ error: { message: 'Slow down' } }, { status: 429 }));

async function ask(question: string): Promise<void> {
  const body = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: question }] });
  const response = await refuse('https://api.openai.com/v1/chat/completions', { method: 'POST', body });
  await response.text();
}

/** So long that its text is not held until the step settles. */
const DOCUMENT = 'The quick brown fox. '.repeat(1000);

test('a call takes no longer after hundreds that failed in its run', async () => {
  const { recorder, shutdown } = traced();
  const times: number[] = [];
  await recorder.run({ kind: 'evaluation' }, async () => {
    for (let round = 0; round < 40; round++) {
      const start = performance.now();
      for (let call = 0; call < 50; call++) await ask(`${DOCUMENT}${round} ${call}`);
      times.push(performance.now() - start);
    }
  });
  await shutdown();
  const [early, late] = [times.slice(1, 4), times.slice(-3)].map((some) => Math.min(...some)) as [number, number];
  // Compared with each of them, a call took many times as long.
  assert.ok(late <= 3 * early + 20, `${late} ms for ${early} ms: ${times.map(Math.round)}`);
});
