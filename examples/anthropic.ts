/** Anthropic: the user presses Stop. The step and the run are interrupted, which is no error. */
import Anthropic from '@anthropic-ai/sdk';
import { recordingFetch, run } from 'runtrace';
import { slow, startProvider } from './demo/provider.js';
import { sdk } from './tracing.js';

// Stands in for api.anthropic.com, so that no key is needed.
const provider = await startProvider();
provider.script(
  'claude-sonnet-5',
  slow(20, { text: 'Once upon a time, in a land far away, there was a very long story.' }),
);

// This client can trace its calls itself. Off: the step is the call's one span. On: the attempts go on the client's span.
const openTelemetry = { traces: false };
const anthropic = new Anthropic({ apiKey: 'none', baseURL: provider.url, fetch: recordingFetch, openTelemetry });

await run({ kind: 'chat_turn', conversationId: 'chat-2', userId: 'ada' }, async (run) => {
  const stopButton = new AbortController();
  const stream = anthropic.messages.stream(
    { model: 'claude-sonnet-5', max_tokens: 1000, messages: [{ role: 'user', content: 'Tell me a story.' }] },
    { signal: stopButton.signal },
  );
  stream.on('text', (_, story) => {
    if (story.includes('land')) stopButton.abort();
  });
  await stream.finalText().catch((error) => {
    if (!stopButton.signal.aborted) throw error;
    run.finish('interrupted');
  });
});

await sdk.shutdown();
await provider.close();
