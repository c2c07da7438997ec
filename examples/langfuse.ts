/**
 * Beside Langfuse: its processor is listed after runtrace's, and so gets every run and step as the rule has decided it. Spans go to Langfuse
 * as well as where `OTEL_EXPORTER_OTLP_ENDPOINT` says. Give it your `LANGFUSE_PUBLIC_KEY`, `LANGFUSE_SECRET_KEY` and `LANGFUSE_BASE_URL`; without
 * a key, what Langfuse would get is printed.
 */
import { LangfuseSpanProcessor } from '@langfuse/otel';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { recordingFetch, run, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';
import { ok, startProvider, status } from './demo/provider.js';

const langfuse = new LangfuseSpanProcessor(
  process.env.LANGFUSE_PUBLIC_KEY ? {} : { exporter: new ConsoleSpanExporter() },
);
const sdk = new NodeSDK({
  serviceName: 'runtrace-examples',
  // An example ends soon. By default, `shutdown()` waits ten seconds for a backend that does not answer.
  spanProcessors: [
    new StatusPrioritySpanProcessor(),
    new RuntraceBatchSpanProcessor({ shutdownTimeoutMillis: 1500 }),
    langfuse,
  ],
});
sdk.start();

// Stands in for api.openai.com, so that no key is needed.
const provider = await startProvider();
provider.script('gpt-5', status(500, { retryAfterMillis: 50 }), ok({ text: 'Bom dia!' }));
const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });

await run({ kind: 'chat_turn', conversationId: 'chat-5', userId: 'ada' }, () =>
  openai.chat.completions.create({
    model: 'gpt-5',
    messages: [{ role: 'user', content: 'Good morning in Portuguese?' }],
  }),
);

await sdk.shutdown();
await provider.close();
