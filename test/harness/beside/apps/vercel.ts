import { trace } from '@opentelemetry/api';
import { registerOTel } from '@vercel/otel';
import { StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';
import { chatTurn, makeOpenAI } from './tracing.js';

const spanProcessors = [new StatusPrioritySpanProcessor(), new RuntraceBatchSpanProcessor()];
registerOTel({ serviceName: 'beside', spanProcessors });
await trace.getTracer('theirs').startActiveSpan('GET /chat', async (span) => {
  await chatTurn(makeOpenAI());
  span.end();
});
for (const processor of spanProcessors) await processor.shutdown();
