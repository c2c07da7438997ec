import type { CaptureSettings } from '../capture/levels.js';
import { type Answer, type ModelCall, readErrorCode } from '../providers/detect.js';
import { type Attempt, recordedPart } from '../spans/attempts/attempt.js';
import {
  type AttemptEnd,
  type AttemptOwner,
  isRetriable,
  type OutgoingRequest,
} from '../spans/attempts/http-exchange.js';
import { type Failure, isTimeout, noteTimeout } from '../spans/outcome/errors.js';
import { byteLength } from '../util/byte-length.js';
import type { ByteBuffer } from './byte-buffer.js';
import { retryAfterMillis } from './retry-after.js';

/** A client starts the timer of its timeout before it calls `fetch`, by no more than this. */
const CLIENT_AHEAD_MILLIS = 250;

/** What was observed of one attempt so far. */
export interface AttemptFacts {
  readonly outgoing: OutgoingRequest;
  readonly call: ModelCall | undefined;
  readonly signal: AbortSignal | undefined;
  /** In milliseconds since the epoch, on the clock of the trace. */
  readonly startedAt: number;
  statusCode: number | undefined;
  /** By lower-case name. */
  responseHeaders: Record<string, string> | undefined;
  /** From the start of the attempt to the first bytes of the body. */
  firstChunkMillis: number | undefined;
  /** The beginning of the body, if it is buffered. Released when the attempt ends. */
  body: ByteBuffer | undefined;
  /** `undefined` if the body could not be observed. */
  bodyBytes: number | undefined;
  bodyEnded: boolean;
  /** Whether the consumer cancelled the body of a refusal without having read any of it. */
  dismissed: boolean;
  /** When the caller stopped it while the client waited for its retry, in milliseconds since the epoch. */
  stoppedAt: number | undefined;
  /** What the underlying `fetch` or the body threw. */
  error: unknown;
}

/** What the owner of an attempt said when the attempt began. */
export type AttemptBegun = ReturnType<AttemptOwner['begin']>;

/** How an attempt ended, as far as the use of its body shows. */
export interface AttemptEnding {
  readonly how: AttemptEnd['how'];
  readonly failure: Failure | undefined;
  readonly answer: Answer | undefined;
  /** In milliseconds since the epoch, on the clock of the trace. */
  readonly endedAt: number;
}

/** The facts of an attempt that begins. */
export function factsAtStart(
  outgoing: OutgoingRequest,
  call: ModelCall | undefined,
  signal: AbortSignal | undefined,
  startedAt: number,
): AttemptFacts {
  return {
    outgoing,
    call,
    signal,
    startedAt,
    statusCode: undefined,
    responseHeaders: undefined,
    firstChunkMillis: undefined,
    body: undefined,
    bodyBytes: 0,
    bodyEnded: false,
    dismissed: false,
    stoppedAt: undefined,
    error: undefined,
  };
}

/** Whether the provider refused the request: HTTP 400 and above. */
export function isRefused({ statusCode }: AttemptFacts): boolean {
  return statusCode !== undefined && statusCode >= 400;
}

/** Whether the consumer has got the whole body, although it did not ask whether there is more. */
export function allBytesRead({ responseHeaders, bodyBytes }: AttemptFacts): boolean {
  // The length is that of the encoded body; what is counted here is decoded.
  if (!bodyBytes || responseHeaders?.['content-encoding'] !== undefined) return false;
  return Number(responseHeaders?.['content-length']) === bodyBytes;
}

/** Whether the caller aborted it, which threw `error` at `now`. A timeout is no stop, also where a client aborts without a reason for it. */
export function wasStopped(facts: AttemptFacts, error: unknown, now: number): boolean {
  if (!facts.signal?.aborted) return false;
  if (clientTimedOut(facts, now)) noteTimeout(error);
  return !isTimeout(error);
}

/**
 * Clients send their timeout in whole seconds. That of the clients made by Stainless ends with the headers, that of `@google/genai` with the body
 * (createAttemptSignal in node/index.mjs).
 */
function clientTimedOut({ outgoing: { headers }, startedAt, statusCode }: AttemptFacts, now: number): boolean {
  const untilHeaders = statusCode === undefined ? headers['x-stainless-timeout'] : undefined;
  const seconds = Number(untilHeaders ?? headers['x-server-timeout']);
  return seconds > 0 && now - startedAt >= seconds * 1000 - CLIENT_AHEAD_MILLIS;
}

/**
 * Whether the client will send the request again. Clients that number their retries read the body of a refusal only to throw it as an
 * error; before a retry they leave or cancel it (openai and @anthropic-ai/sdk, `shouldRetry` in client.ts).
 */
export function retryOutlook(facts: AttemptFacts): AttemptEnd['retry'] {
  if (!isRetriable(facts.statusCode)) return 'none';
  const { retryCount, retriesLeft } = facts.outgoing;
  if (retriesLeft !== undefined) return retriesLeft > 0 ? 'possible' : 'none';
  const isSeen = isRefused(facts) && facts.bodyBytes !== undefined;
  if (!isSeen || retryCount === undefined) return 'possible';
  return facts.bodyEnded ? 'none' : 'expected';
}

/** What the owner of an attempt gets when the attempt ends. A failure that the provider reports decides over how the body was read. */
export function attemptEnd(
  facts: AttemptFacts,
  begun: AttemptBegun,
  observed: AttemptEnding,
  capturing: CaptureSettings,
): AttemptEnd {
  const { outgoing, call, signal, responseHeaders, dismissed, stoppedAt } = facts;
  const body = facts.body?.length ? facts.body.text() : undefined;
  const reported = reportedFailure(facts, body, observed.answer);
  const ending: AttemptEnding = reported ? { ...observed, how: 'failed', failure: reported } : observed;
  const attempt = attemptOf(facts, begun, ending, body, capturing);
  if (reported?.message !== undefined) attempt.errorMessage = reported.message;
  return {
    attempt,
    how: ending.how,
    failure: ending.failure,
    abortReason: ending.how === 'aborted' ? signal?.reason : undefined,
    signal,
    dismissed,
    beforeHeaders: facts.statusCode === undefined,
    refused: isRefused(facts),
    retry: retryOutlook(facts),
    stoppedAt,
    retryAfterMillis: responseHeaders && retryAfterMillis(responseHeaders),
    outgoing,
    call,
    answer: ending.answer,
  };
}

/** The failure that the provider reports, by the status and the body of a refusal or by an error in the answer. */
function reportedFailure(
  facts: AttemptFacts,
  body: string | undefined,
  answer: Answer | undefined,
): Failure | undefined {
  if (isRefused(facts)) {
    const { code, message } = readErrorCode(body ?? '', facts.responseHeaders);
    const failure: Failure = { type: code ?? String(facts.statusCode), className: `HTTP ${facts.statusCode}` };
    return message ? { ...failure, message } : failure;
  }
  if (!answer?.error) return undefined;
  const { code, message } = answer.error;
  return message ? { type: code, message } : { type: code };
}

function attemptOf(
  facts: AttemptFacts,
  { number, resendCount }: AttemptBegun,
  { how, failure, answer, endedAt }: AttemptEnding,
  body: string | undefined,
  capturing: CaptureSettings,
): Attempt {
  const { method, url, headers, body: requestBody } = facts.outgoing;
  const attempt: Attempt = {
    number,
    status: how === 'answered' ? 'completed' : how === 'invalid' ? 'failed' : how,
    startedAt: facts.startedAt,
    endedAt,
    method,
    url: url.href,
    requestHeaders: headers,
  };
  if (requestBody !== undefined) {
    const recorded = recordedPart(requestBody, capturing);
    if (recorded !== undefined) attempt.requestBody = recorded;
    attempt.requestBodySize =
      facts.call?.bodyBytes ?? (typeof requestBody === 'string' ? byteLength(requestBody) : requestBody.length);
  }
  if (answer && hasValues(answer.usage)) attempt.usage = answer.usage;
  if (answer?.response.id !== undefined) attempt.responseId = answer.response.id;
  addResponse(attempt, facts, body);
  if (resendCount > 0) attempt.resendCount = resendCount;
  if (facts.firstChunkMillis !== undefined) attempt.timeToFirstChunkMillis = facts.firstChunkMillis;
  if (failure) attempt.errorType = failure.type;
  if (facts.error !== undefined) attempt.error = facts.error;
  return attempt;
}

function addResponse(attempt: Attempt, facts: AttemptFacts, body: string | undefined): void {
  const { statusCode, bodyBytes, responseHeaders, bodyEnded } = facts;
  if (statusCode === undefined) return;
  attempt.statusCode = statusCode;
  if (bodyBytes !== undefined) attempt.responseBodySize = bodyBytes;
  if (responseHeaders) attempt.responseHeaders = responseHeaders;
  if (body !== undefined) attempt.responseBody = body;
  if (!bodyEnded) attempt.responseBodyBroke = true;
}

function hasValues(object: object): boolean {
  for (const _name in object) return true;
  return false;
}
