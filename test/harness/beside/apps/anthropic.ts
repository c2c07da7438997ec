import Anthropic from '@anthropic-ai/sdk';
import { recordingFetch, run } from 'runtrace';
import { model, startTracing, url } from './tracing.js';

const provider = startTracing();
const anthropic = new Anthropic({
  apiKey: 'none',
  baseURL: url,
  fetch: recordingFetch,
  openTelemetry: { traces: true },
});
await run({ kind: 'chat_turn', conversationId: 'beside' }, () =>
  anthropic.messages.create({ model, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] }),
);
await provider.shutdown();
