/** Langfuse's own spans: around a run, inside of one, and from its wrapper of the client. */
import { observeOpenAI } from '@langfuse/openai';
import { LangfuseSpanProcessor } from '@langfuse/otel';
import { startActiveObservation } from '@langfuse/tracing';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { run, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';
import { chatTurn, makeOpenAI } from './tracing.js';

const provider = new NodeTracerProvider({
  spanProcessors: [
    new StatusPrioritySpanProcessor(),
    new RuntraceBatchSpanProcessor(),
    new LangfuseSpanProcessor({ exportMode: 'immediate' }),
  ],
});
provider.register();

const openai = makeOpenAI();
await startActiveObservation('handler', () => chatTurn(openai));
await run({ kind: 'observed' }, () => startActiveObservation('retrieval', () => chatTurn(openai)));
await chatTurn(observeOpenAI(openai));
await provider.shutdown();
