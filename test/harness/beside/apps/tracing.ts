/** What the applications here have in common: OpenTelemetry, and a client with the recording fetch. */
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import OpenAI from 'openai';
import { recordingFetch, run, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';

/** Where the model provider is, and the model that it knows this application by. */
export const [url = '', model = ''] = process.argv.slice(2);

/** To `OTEL_EXPORTER_OTLP_ENDPOINT`. */
export function startTracing(): NodeTracerProvider {
  const provider = new NodeTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new RuntraceBatchSpanProcessor()],
  });
  provider.register();
  return provider;
}

export function makeOpenAI(): OpenAI {
  return new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, fetch: recordingFetch });
}

/** A chat turn in which the provider says 429 once. */
export function chatTurn({ chat }: Pick<OpenAI, 'chat'>): Promise<unknown> {
  return run({ kind: 'chat_turn', conversationId: 'beside' }, () =>
    chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] }),
  );
}
