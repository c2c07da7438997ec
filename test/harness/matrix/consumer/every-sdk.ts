/** What an application writes, for the compiler: everything public, with its types. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  type Attempt,
  type Capture,
  createRecorder,
  type FinishDetails,
  type Message,
  type Recorder,
  type Run,
  RunIdGenerator,
  recordingFetch,
  reportStatus,
  reuseStep,
  run,
  type Status,
  StatusPrioritySpanProcessor,
  type Step,
  startRun,
  step,
  tool,
  type Usage,
  wrapFetch,
} from 'runtrace';
import { type LanguageModel, runtraceTelemetry, wrapModel } from 'runtrace/ai-sdk';
import {
  OTLPFileExporter,
  RuntraceBatchSpanProcessor,
  RuntraceExporter,
  RuntraceSpanProcessor,
  type SettledRun,
  type SpanExporter,
  sampledByTraceId,
} from 'runtrace/exporter';
import 'runtrace/register';

export const sdk = new NodeSDK({
  idGenerator: new RunIdGenerator(),
  spanProcessors: [
    new StatusPrioritySpanProcessor(),
    new RuntraceBatchSpanProcessor({ exporter: new OTLPFileExporter({ path: 'traces.jsonl' }) }),
  ],
});
const keep = ({ status, traceId }: SettledRun) => status !== 'completed' || sampledByTraceId(traceId, 0.05);
export const inOne = new NodeSDK({
  spanProcessors: [new RuntraceSpanProcessor({ exporter: new OTLPTraceExporter(), keep })],
});
export const withExporter = new NodeSDK({ traceExporter: new RuntraceExporter() });
export const exporter: SpanExporter = new RuntraceExporter({ url: 'http://127.0.0.1:4318/v1/traces' });

const capture: Capture = 'content';
export const recorder: Recorder = createRecorder({ capture: ({ userId }) => (userId ? capture : 'off') });
export const anotherFetch: typeof fetch = wrapFetch(recordingFetch);

const usage: Usage = { inputTokens: 1, outputTokens: 2 };
const messages: Message[] = [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }];
const details: FinishDetails = { usage, error: new Error('no') };
const status: Status = 'interrupted';

export const answer: Promise<string> = run({ kind: 'chat_turn', trace: 'join' }, async (run: Run) => {
  run.finish(status, details);
  const text = await step({ model: 'gpt-5', request: { messages } }, async (step: Step) => {
    const attempts: Attempt[] = step.attempts.snapshot();
    step.finish('completed', { usage, attributes: { attempts: attempts.length } });
    return (await step.fetch('http://127.0.0.1/')).text();
  });
  return tool({ name: 'shout' }, () => reuseStep(() => text.toUpperCase()));
});

export const telemetry = runtraceTelemetry({ run: ({ name }) => ({ kind: name }) });
export const wrapped = (model: LanguageModel): LanguageModel => wrapModel(model);

reportStatus(undefined, 'error');
startRun({ kind: 'chat_turn' }).startStep({ provider: 'openai' }).finish('error', details);

// @ts-expect-error: the compiler says what a run needs.
startRun({});
// @ts-expect-error: and what is no status.
reportStatus(undefined, 'done');
