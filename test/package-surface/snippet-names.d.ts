/**
 * Names that the snippets of README and docs use without declaring them. A snippet that begins with the set-up imports what it uses; a
 * later one goes on from there.
 */

// Exports of the package and of OpenTelemetry.
declare const createRecorder: typeof import('runtrace').createRecorder;
declare const recordingFetch: typeof import('runtrace').recordingFetch;
declare const run: typeof import('runtrace').run;
declare const step: typeof import('runtrace').step;
declare const StatusPrioritySpanProcessor: typeof import('runtrace').StatusPrioritySpanProcessor;
declare const RuntraceBatchSpanProcessor: typeof import('runtrace/exporter').RuntraceBatchSpanProcessor;
declare const RuntraceExporter: typeof import('runtrace/exporter').RuntraceExporter;
declare const OTLPFileExporter: typeof import('runtrace/exporter').OTLPFileExporter;
declare const runtraceTelemetry: typeof import('runtrace/ai-sdk').runtraceTelemetry;
declare const wrapModel: typeof import('runtrace/ai-sdk').wrapModel;
declare const context: typeof import('@opentelemetry/api').context;
declare const trace: typeof import('@opentelemetry/api').trace;
declare const AsyncLocalStorageContextManager: typeof import('@opentelemetry/context-async-hooks').AsyncLocalStorageContextManager;
declare const BasicTracerProvider: typeof import('@opentelemetry/sdk-trace-base').BasicTracerProvider;
declare const BatchSpanProcessor: typeof import('@opentelemetry/sdk-trace-base').BatchSpanProcessor;
declare const OTLPTraceExporter: typeof import('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter;
declare const NodeSDK: typeof import('@opentelemetry/sdk-node').NodeSDK;
declare const generateText: typeof import('ai').generateText;

// The application's set-up.
declare const sdk: import('@opentelemetry/sdk-node').NodeSDK;
declare const exporter: import('@opentelemetry/sdk-trace-base').SpanExporter;
declare const processor: import('runtrace/exporter').RuntraceSpanProcessor;
/** The client of `openai`, or that of the AI SDK. */
declare const openai: import('openai').OpenAI &
  ((model: string) => ReturnType<import('@ai-sdk/openai').OpenAIProvider['chat']>);
/** A stub of the class of `@aws-sdk/client-bedrock-runtime`, as far as a snippet uses it. */
declare class BedrockRuntimeClient {
  constructor(options: { region: string });
  readonly middlewareStack: { use(plugin: import('runtrace/aws').RecordingPlugin): void };
}
declare const headers: Record<string, string>;
declare const token: string;
/** Flushes the tracer provider. */
declare function flush(): Promise<void>;

// What a chat application has at hand.
declare const chat: { readonly id: string };
declare const user: { readonly id: string };
declare const messages: import('openai').OpenAI.ChatCompletionMessageParam[];
declare const city: string;
declare const call: { readonly id: string; readonly arguments: string };
declare const socket: import('node:net').Socket;
declare function askWithFallback(models: readonly string[]): Promise<string>;
declare function getWeather(city: string): Promise<string>;
declare function optedIn(userId: string | undefined): boolean;
/** Answers a chat request. */
declare function answer(request: Request): Promise<Response>;

/** Not installed here. */
declare module 'next/server' {
  export function after(task: () => unknown): void;
}
