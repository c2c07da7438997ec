import type { InstrumentationModuleDefinition } from '@opentelemetry/instrumentation';
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai';
import OpenAI from 'openai';
import { chatTurn, makeOpenAI, startTracing } from './tracing.js';

const provider = startTracing();
const instrumentation = new OpenAIInstrumentation();
instrumentation.setTracerProvider(provider);
// It knows clients up to 6 and patches no newer one by itself; what it patches is the same in 7.
const [definition] = (instrumentation as unknown as { init(): InstrumentationModuleDefinition[] }).init();
definition?.patch?.({ OpenAI });
await chatTurn(makeOpenAI());
await provider.shutdown();
