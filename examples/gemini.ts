/** Gemini: its client retries only if it is told to, and what it retried is one step all the same. */
import { GoogleGenAI } from '@google/genai';
import { recordingFetch, run } from 'runtrace';
import { ok, startProvider, status } from './demo/provider.js';
import { sdk } from './tracing.js';

// Stands in for generativelanguage.googleapis.com, so that no key is needed.
const provider = await startProvider();
provider.script('gemini-3-flash', status(503), ok({ text: 'A trip in May' }));

const gemini = new GoogleGenAI({
  apiKey: 'none',
  httpOptions: { baseUrl: provider.url, fetch: recordingFetch, retryOptions: { attempts: 3, initialDelay: 0.1 } },
});

await run({ kind: 'title_generation', conversationId: 'chat-1' }, async () => {
  const answer = await gemini.models.generateContent({
    model: 'gemini-3-flash',
    contents: 'A title for: Where should I go in May?',
  });
  console.log(answer.text);
});

await sdk.shutdown();
await provider.close();
