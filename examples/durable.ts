/**
 * A durable run: one process begins it, another one carries it on. Both are given the run's id, and the second one where the numbers of the
 * steps go on. With `RunIdGenerator` (see tracing.ts) both are in one trace.
 */
import { spawnSync } from 'node:child_process';
import OpenAI from 'openai';
import { recordingFetch, run } from 'runtrace';
import { startProvider } from './demo/provider.js';
import { sdk } from './tracing.js';

/** What a workflow engine would keep for the next process. */
interface Checkpoint {
  runId: string;
  stepsDone: number;
}
const saved: Checkpoint | undefined = process.argv[2] ? JSON.parse(process.argv[2]) : undefined;

// Stands in for api.openai.com, so that no key is needed.
const provider = await startProvider();
const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });

const { runId, stepsDone } = saved ?? { runId: crypto.randomUUID(), stepsDone: 0 };
await run({ kind: 'report', id: runId, conversationId: 'chat-4' }, async (run) => {
  run.resumeAfterStep(stepsDone);
  const content = stepsDone === 0 ? 'Outline the report.' : 'Write the report.';
  await openai.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content }] });
});

if (!saved) {
  const checkpoint: Checkpoint = { runId, stepsDone: 1 };
  spawnSync(process.execPath, [process.argv[1] ?? '', JSON.stringify(checkpoint)], { stdio: 'inherit' });
}

// Each process delivers its own spans.
await sdk.shutdown();
await provider.close();
