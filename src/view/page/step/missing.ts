/** Why something is not there. The page never shows an empty place without the reason. */
import { isMetadataHeader } from '../../../capture/redact/headers.js';
import * as names from '../../../otel/names.js';
import type { Attempt, RunDetail, SpanNode } from '../../model.js';

/** What a run recorded. `messages`: the messages, but no bodies and not all headers. `unknown`: it has no attempt that would show it. */
export type Captured = 'metadata' | 'messages' | 'content' | 'unknown';

/** No attribute says what was captured; the data does. At `metadata` a header that may be private is never recorded, at `content` always. */
export function capturedIn({ spans }: RunDetail): Captured {
  const attempts = spans.flatMap((span) => span.attempts);
  if (attempts.some(hasContent)) return 'content';
  const hasMessages = spans.some(
    ({ attributes }) => names.GEN_AI_INPUT_MESSAGES in attributes || names.GEN_AI_OUTPUT_MESSAGES in attributes,
  );
  if (hasMessages) return 'messages';
  return attempts.length > 0 ? 'metadata' : 'unknown';
}

function hasContent({ requestBody, responseBody, requestHeaders, responseHeaders }: Attempt): boolean {
  const headers = Object.keys({ ...requestHeaders, ...responseHeaders });
  return requestBody !== undefined || responseBody !== undefined || !headers.every(isMetadataHeader);
}

const ONLY: Readonly<Record<Exclude<Captured, 'content'>, string>> = {
  metadata: 'only metadata is captured',
  messages: 'only metadata and messages are captured',
  unknown: 'it was not recorded',
};

/** The earlier attempt that recorded the request body which this one repeated. */
export function sameBodyAs({ attempts }: SpanNode, attempt: Attempt): Attempt | undefined {
  if (attempt.requestBody !== undefined || attempt.requestBodyBytes === 0) return undefined;
  return attempts.findLast(({ number, requestBody }) => number < attempt.number && requestBody !== undefined);
}

export function whyNoRequestBody(span: SpanNode, attempt: Attempt, captured: Captured): string {
  if (attempt.requestBodyBytes === 0) return 'the request has no body';
  if (captured !== 'content') return ONLY[captured];
  const earlier = sameBodyAs(span, attempt);
  if (earlier) return `as in attempt ${earlier.number}`;
  return attempt.truncatedBytes === undefined
    ? 'it was not recorded'
    : 'it could not be redacted safely, so it was not recorded';
}

export function whyNoResponseBody(attempt: Attempt, captured: Captured): string {
  if (attempt.status === 'in_flight') return 'the answer has not ended';
  if (attempt.code === undefined) return 'no answer came';
  if (attempt.status === 'unread') return 'the client never read it';
  if (attempt.responseBodyBytes === 0)
    return attempt.responseHeaders['content-length'] === '0' ? 'it is empty' : 'the client never read it';
  if (captured !== 'content') return ONLY[captured];
  return attempt.truncatedBytes === undefined
    ? 'it was not recorded'
    : 'it could not be redacted safely, so it was not recorded';
}

export function whyNoFirstChunk({ status, code, responseBodyBytes }: Attempt): string {
  if (status === 'in_flight') return 'not yet';
  if (code === undefined) return 'no answer';
  return status === 'unread' || responseBodyBytes === 0 ? 'never read' : 'not seen';
}

export function whyNoUsage({ attempts }: SpanNode): string {
  const last = attempts.at(-1);
  if (!last) return 'no HTTP attempt was seen, and the application gave none';
  if (last.status === 'in_flight') return 'the answer has not ended';
  return last.status === 'completed' ? 'the answer had none' : 'no attempt was answered in full';
}

export function whyNoMessages(span: SpanNode, captured: Captured, side: 'input' | 'output'): string {
  if (captured === 'metadata') return ONLY.metadata;
  if (span.status === 'in_progress') return 'they come when the step has ended';
  const last = span.attempts.at(-1);
  if (!last) return 'no HTTP attempt was seen';
  if (side === 'output' && last.status === 'unread') return 'the client never read it';
  if (side === 'output' && last.status !== 'completed') return 'no attempt was answered';
  return 'the format of this call is not read';
}

/** For the arguments and the result of a tool call: at `content` they are recorded as the application gave them. */
export function whyNoToolText(captured: Captured): string {
  return captured === 'content' ? 'the application gave none' : ONLY[captured];
}

/** With fewer than all headers, which they are. */
export function headersNote(captured: Captured): string | undefined {
  return captured === 'content' ? undefined : `${ONLY[captured]}: of the headers, those without content or secrets`;
}
