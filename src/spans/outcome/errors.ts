import { keptText } from '../../capture/captured-content.js';
import type { CaptureSettings } from '../../capture/levels.js';
import { readErrorCode, reportedError } from '../../providers/provider-error.js';
import { identifier, object } from '../../util/json-fields.js';

/** The facts about an error that runtrace records. */
export interface Failure {
  /** For `error.type`: the provider's code, the HTTP status or the error's class. */
  type: string;
  /** The class of the error, where there was one. */
  className?: string;
  /** The error's text; it may quote a prompt. */
  message?: string;
  /** The text of the network error that caused it. It never quotes a request. */
  networkMessage?: string;
  stack?: string;
}

const MAX_CAUSES = 8;

/** Describes a thrown value. Never throws, even if the getters of `error` do. */
export function describeFailure(error: unknown): Failure {
  return tryRead(() => describe(lastTryOf(error))) ?? { type: '_OTHER' };
}

/** The error of the last try, which the AI SDK puts into one of its own (`RetryError`) that has no other facts; else `error`. */
export function lastTryOf(error: unknown): unknown {
  return object(object(error)?.lastError) ?? error;
}

function describe(error: unknown): Failure {
  if (typeof error !== 'object' || error === null) {
    return typeof error === 'string' ? { type: timeoutNameOf(error) ?? '_OTHER', message: error } : { type: '_OTHER' };
  }
  const { message, stack } = error as { message?: unknown; stack?: unknown };
  const system = networkCause(error);
  const className = classNameOf(error);
  const failure: Failure = {
    type: system?.code ?? providerCode(error) ?? httpStatus(error) ?? timeoutNameOf(error) ?? className ?? '_OTHER',
  };
  if (className) failure.className = className;
  if (typeof message === 'string') failure.message = message;
  if (system) failure.networkMessage = system.message;
  if (typeof stack === 'string') failure.stack = stack;
  return failure;
}

/** What minifiers leave of the name of a class says nothing, and is another one in the next build. */
const MINIFIED_LENGTH = 3;

/** The class of an error: `constructor.name` for the model clients' errors, whose `name` is just `Error`; `name` for a DOMException. */
export function classNameOf(error: object): string | undefined {
  const { name } = error as { name?: unknown };
  const constructorName = (error.constructor as { name?: unknown } | undefined)?.name;
  for (const candidate of name === 'Error' || typeof name !== 'string' ? [constructorName, name] : [name]) {
    const className = identifier(candidate);
    if (className === undefined || className === 'Object') continue;
    if (className.length > MINIFIED_LENGTH || className === name) return className;
  }
  return undefined;
}

/**
 * The provider's code, as the model clients put it on their errors: as a field (`openai`), or in the answer, which they parsed (`error` of
 * `@anthropic-ai/sdk`) or not (`responseBody` of the AI SDK, `body` of the clients made by Speakeasy).
 */
function providerCode(error: object): string | undefined {
  const { code, type, error: parsed, body, responseBody = body, responseHeaders } = error as Fields;
  const answer = object(parsed);
  return (
    identifier(code) ??
    (typeof responseBody === 'string' && responseBody.length <= LONGEST_ANSWER
      ? readErrorCode(responseBody, object(responseHeaders) as Record<string, string> | undefined).code
      : undefined) ??
    identifier(answer && reportedError(answer)?.code) ??
    identifier(type)
  );
}

type Fields = Readonly<Record<string, unknown>>;

/** Of a longer answer nothing is read, in characters. */
const LONGEST_ANSWER = 65_536;

/** The HTTP status of a refusal, by the names that the model clients give it: `status_code` is `ollama`'s. */
function httpStatus(error: object): string | undefined {
  const { statusCode, status_code, status = statusCode ?? status_code } = error as Fields;
  return typeof status === 'number' && status >= 400 ? String(status) : undefined;
}

const NETWORK_CODE =
  /^(ECONN(RESET|REFUSED|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EPROTO|UND_ERR_\w+|ERR_(SSL|TLS)_\w+|CERT_\w+|UNABLE_TO_\w+|(SELF_SIGNED|DEPTH_ZERO)_\w+)$/;

/** The system error (`ECONNRESET`, `UND_ERR_SOCKET`…) among the causes of a `fetch failed`. */
function networkCause(error: object): { code: string; message: string } | undefined {
  for (const cause of causesOf(error)) {
    const { code, message } = cause as { code?: unknown; message?: unknown };
    if (typeof code === 'string' && NETWORK_CODE.test(code)) {
      return { code, message: typeof message === 'string' ? message : '' };
    }
  }
  return undefined;
}

/** An error and its causes. */
export function* causesOf(error: unknown): Iterable<object> {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof cause === 'object' && cause !== null; depth++) {
    yield cause;
    cause = (cause as { cause?: unknown }).cause;
  }
}

/** How a reason says that time ran out which is a text. The clients made by Fern (`cohere-ai`: getTimeoutSignal in signals.js) say `timeout`. */
const TIMEOUT_TEXT = /\btime(?:d[ -])?-?out\b/i;

/** The message of `openai`'s `APIConnectionTimeoutError` (core/error.js), whose `name` is just `Error` and whose class may be minified. */
const CLIENT_TIMED_OUT = 'Request timed out.';

/** The abort errors that a client made of a timeout, its own or its caller's. */
const timeouts = new WeakSet<object>();

/** Remembers such an error: it tells of a timeout wherever it is thrown. */
export function noteTimeout(error: unknown): void {
  if (typeof error === 'object' && error !== null) timeouts.add(error);
}

/** The class of the timeout among an error's causes. A model client that aborts its request on a timeout may report an abort. */
function timeoutNameOf(error: unknown): string | undefined {
  if (typeof error === 'string') return TIMEOUT_TEXT.test(error) ? 'timeout' : undefined;
  for (const cause of causesOf(error)) {
    const name = classNameOf(cause);
    if (name?.includes('Timeout')) return name;
    if (timeouts.has(cause) || (cause as Partial<Error>).message === CLIENT_TIMED_OUT) return 'timeout';
    // Fastify 5 aborts the signal of a request with such an error, of the class FastifyError.
    const { code, cause: inner } = cause as { code?: unknown; cause?: unknown };
    const known = identifier(code);
    if (known !== undefined && /TIMEOUT|TIMEDOUT/.test(known)) return known;
    if (typeof inner === 'string' && TIMEOUT_TEXT.test(inner)) return 'timeout';
  }
  return undefined;
}

/** Whether an error says that a time limit ran out. A timeout is never a stop by the caller. Never throws. */
export function isTimeout(error: unknown): boolean {
  return tryRead(() => timeoutNameOf(error)) !== undefined;
}

/** What `read` returns; `undefined` if it throws, as the getters of an error may. */
export function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Redacts the message and the frames separately, because JSON is recognized only at the end of a text. */
function keptStack(stack: string, capturing: Pick<CaptureSettings, 'redactor'>): string {
  let framesAt = stack.length;
  for (let lineAt = framesAt; lineAt > 0; ) {
    lineAt = stack.lastIndexOf('\n', lineAt - 1);
    if (lineAt === -1 || !stack.startsWith('    at ', lineAt + 1)) break;
    framesAt = lineAt;
  }
  return keptText(stack.slice(0, framesAt), capturing) + keptText(stack.slice(framesAt), capturing);
}

/** A failure as it may be recorded, redacted: at `content` with all of its text, else only with the text of network errors. */
export function keptFailure(failure: Failure, capturing: Pick<CaptureSettings, 'content' | 'redactor'>): Failure {
  const { type, className, message, networkMessage, stack } = failure;
  const whole =
    networkMessage && message && !message.includes(networkMessage) ? `${message}: ${networkMessage}` : message;
  const text = capturing.content ? whole : networkMessage;
  const kept: Failure = { type: keptText(type, capturing) };
  if (className) kept.className = keptText(className, capturing);
  if (text) kept.message = keptText(text, capturing);
  if (stack && capturing.content) kept.stack = keptStack(stack, capturing);
  return kept;
}
