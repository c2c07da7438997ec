/**
 * Beside Sentry 11: it traces by itself and leaves OpenTelemetry alone, unless it is told not to. Errors and Sentry's own spans go to Sentry,
 * runs where `OTEL_EXPORTER_OTLP_ENDPOINT` says. The tag is how to get from the one to the other. Give it your `SENTRY_DSN`.
 */
import * as Sentry from '@sentry/node';
import OpenAI from 'openai';
import { recordingFetch, run } from 'runtrace';
import { startProvider, status } from './demo/provider.js';
import { sdk } from './tracing.js';

Sentry.init({ tracesSampleRate: 1 });

// Stands in for api.openai.com, so that no key is needed.
const provider = await startProvider();
provider.script('gpt-5', status(401));
const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });

await run({ kind: 'chat_turn', conversationId: 'chat-6' }, async (run) => {
  try {
    await openai.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello?' }] });
  } catch (error) {
    Sentry.captureException(error, { tags: { 'run.id': run.id, 'run.trace_id': run.traceId } });
    run.finish('error', { error });
  }
});

await Sentry.close();
await sdk.shutdown();
await provider.close();
