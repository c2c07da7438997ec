/** What each README says to install and to write, completed by a model call where it shows none. */

export interface Program {
  readonly name: string;
  readonly packages: readonly string[];
  /** An ES module. `PROVIDER` is the base URL of the model provider. */
  readonly text: string;
  /** The arguments of Node that show the run, if the program writes a file. Otherwise it is visible when a backend has it. */
  readonly shows?: readonly string[];
}

/** @langfuse/otel 5: "Install" and "Quickstart", with `@langfuse/tracing`, which it names for spans of one's own. */
const LANGFUSE = `import { LangfuseSpanProcessor } from '@langfuse/otel';
import { startActiveObservation } from '@langfuse/tracing';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import OpenAI from 'openai';

const langfuseSpanProcessor = new LangfuseSpanProcessor();
const tracerProvider = new NodeTracerProvider({ spanProcessors: [langfuseSpanProcessor] });
tracerProvider.register();

const openai = new OpenAI({ apiKey: 'none', baseURL: process.env.PROVIDER });
await startActiveObservation('chat_turn', async (span) => {
  const messages = [{ role: 'user', content: 'Where should I go in May?' }];
  const answer = await openai.chat.completions.create({ model: 'gpt-5', messages });
  span.update({ output: answer.choices[0]?.message.content });
});
await langfuseSpanProcessor.forceFlush();
`;

/** @ai-sdk/otel 1: "Setup" and "Usage", with the OpenTelemetry setup that it asks for. */
const AI_SDK = `import { createOpenAI } from '@ai-sdk/openai';
import { OpenTelemetry } from '@ai-sdk/otel';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { generateText, registerTelemetry } from 'ai';

const sdk = new NodeSDK();
sdk.start();
registerTelemetry(new OpenTelemetry());

const openai = createOpenAI({ apiKey: 'none', baseURL: process.env.PROVIDER });
await generateText({ model: openai.chat('gpt-5'), prompt: 'Where should I go in May?' });
await sdk.shutdown();
`;

/** `readme`: the program of our README. */
export const PROGRAMS = (tarball: string, readme: string): readonly Program[] => [
  {
    name: 'runtrace',
    packages: [tarball, '@opentelemetry/api', '@opentelemetry/sdk-node', 'openai'],
    text: readme,
    shows: ['node_modules/runtrace/dist/cli/main.js', 'show', 'traces.jsonl'],
  },
  {
    name: '@langfuse/otel',
    packages: ['@langfuse/otel', '@opentelemetry/sdk-trace-node', '@langfuse/tracing', '@opentelemetry/api', 'openai'],
    text: LANGFUSE,
  },
  {
    name: '@ai-sdk/otel',
    packages: ['ai', '@ai-sdk/otel', '@ai-sdk/openai', '@opentelemetry/api', '@opentelemetry/sdk-node'],
    text: AI_SDK,
  },
];
