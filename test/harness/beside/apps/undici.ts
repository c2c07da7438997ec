import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { chatTurn, makeOpenAI, startTracing } from './tracing.js';

const provider = startTracing();
registerInstrumentations({ instrumentations: [new UndiciInstrumentation()] });
await chatTurn(makeOpenAI());
await provider.shutdown();
