import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { trace } from '@opentelemetry/api';
import OpenAI from 'openai';
import { recordingFetch, reportStatus } from 'runtrace';
import { chatTurn, startTracing, url } from './tracing.js';

const provider = startTracing();
const instrumentation = new OpenAIInstrumentation();
instrumentation.setTracerProvider(provider);
instrumentation.manuallyInstrument(OpenAI);
const openai = new OpenAI({
  apiKey: 'none',
  baseURL: `${url}/v1`,
  fetch(...call) {
    // Its span is active here, and takes what is reported of it as any span does.
    reportStatus(trace.getActiveSpan(), 'interrupted');
    return recordingFetch(...call);
  },
});
await chatTurn(openai);
await provider.shutdown();
