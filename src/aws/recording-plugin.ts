import { recordExchange } from '../fetch/recording-fetch.js';
import { guarded } from '../util/diagnostics.js';
import { type HandlerResult, type HttpRequest, headersOf, isHttpRequest, readResult, urlOf } from './http-response.js';

/** A middleware stack of the AWS SDK, of any client: `MiddlewareStack` of `@smithy/types`. */
export interface MiddlewareStack {
  add(...args: never[]): void;
}

/** Can be given to the `middlewareStack.use()` of any AWS SDK client: `Pluggable` of `@smithy/types`. */
export interface RecordingPlugin {
  applyToStack(stack: MiddlewareStack): void;
}

/**
 * Records the calls of an AWS SDK client (v3), by whichever transport it sends them: each attempt behind the SDK's retries, as an attempt of the
 * step around it, or of an implicit step of the run. Outside of a run it records nothing.
 *
 * @example
 * const client = new BedrockRuntimeClient({ region: 'eu-central-1' });
 * client.middlewareStack.use(recordingPlugin);
 */
export const recordingPlugin: RecordingPlugin = {
  applyToStack(stack) {
    const { add } = stack as { add(middleware: Middleware, options: object): void };
    // The last middleware before the request handler: it is below the SDK's retries, and sees a response before the SDK reads the body.
    add.call(stack, record, { name: 'runtraceRecording', step: 'deserialize', priority: 'low', override: true });
  },
};

type Handler = (args: { readonly request: unknown }) => Promise<HandlerResult>;

/** `DeserializeMiddleware` of `@smithy/types`. */
type Middleware = (next: Handler, context: HandlerContext) => Handler;

interface HandlerContext {
  /** `SMITHY_CONTEXT_KEY` of `@smithy/types`. */
  readonly __smithy_context?: { readonly abortSignal?: unknown };
}

const record: Middleware = (next, { __smithy_context: smithy }) => {
  const signal = smithy?.abortSignal;
  return (args) => {
    const { request } = args;
    if (!isHttpRequest(request)) return next(args);
    const described = guarded('a call of the AWS SDK could not be recorded', () => asFetchTakes(request, signal));
    return described ? recordExchange(described, () => next(args), readResult) : next(args);
  };
};

/** The request as `fetch` takes it. Throws for a request that has no URL: its handler decides what becomes of it. */
function asFetchTakes(request: HttpRequest, signal: unknown): [URL, RequestInit] {
  const { method, body } = request;
  const init: RequestInit = { method, headers: headersOf(request), body: body as BodyInit };
  // The SDK also takes a signal of its own class, which only its own code can read.
  if (signal instanceof AbortSignal) init.signal = signal;
  return [urlOf(request), init];
}
