import { retryAfterMillis } from '../../fetch/retry-after.js';
import type { Usage } from '../../otel/genai.js';
import * as names from '../../otel/names.js';
import type { Attempt, AttemptStatus, SpanEvent, StatusUpdate } from '../model.js';
import type { EventRecord, SpanRecord } from '../receive/span-record.js';
import { defined, millisOf, numberOf, statusOf, textOf } from './values.js';

/** The events of a span, sorted into what the page shows of them. */
export interface SpanEvents {
  readonly attempts: Attempt[];
  readonly statusUpdates: StatusUpdate[];
  readonly otherEvents: SpanEvent[];
}

const STATUSES: readonly unknown[] = [
  'in_flight',
  'completed',
  'failed',
  'aborted',
  'unread',
] satisfies AttemptStatus[];

export function eventsOf(record: SpanRecord): SpanEvents {
  const attempts: Attempt[] = [];
  const statusUpdates: StatusUpdate[] = [];
  const otherEvents: SpanEvent[] = [];
  let askedMillis: number | undefined;
  for (const event of record.events) {
    if (event.name === names.EVENT_ATTEMPT) {
      const attempt = attemptOf(event, attempts.length + 1, askedMillis);
      attempts.push(attempt);
      askedMillis = askedBy(attempt);
    } else if (event.name === names.EVENT_STATUS_UPDATE) {
      statusUpdates.push(statusUpdateOf(event));
    } else {
      otherEvents.push({ name: event.name, atMillis: event.atMillis, attributes: event.attributes });
    }
  }
  return { attempts, statusUpdates, otherEvents };
}

/** How long the answer of an attempt asked to wait, in milliseconds. */
export function askedBy({ responseHeaders, startMillis, endMillis }: Attempt): number | undefined {
  return retryAfterMillis(responseHeaders, endMillis ?? startMillis);
}

function attemptOf(
  { attributes: of, atMillis, cut }: EventRecord,
  position: number,
  askedMillis: number | undefined,
): Attempt {
  const status = (STATUSES.includes(of[names.ATTEMPT_STATUS]) ? of[names.ATTEMPT_STATUS] : 'failed') as AttemptStatus;
  const cutBytes = Object.values(cut ?? {}).reduce((sum, bytes) => sum + bytes, 0);
  const truncatedBytes = (numberOf(of[names.ATTEMPT_TRUNCATED_BYTES]) ?? 0) + cutBytes;
  return defined({
    number: numberOf(of[names.ATTEMPT_NUMBER]) ?? position,
    startMillis: atMillis,
    endMillis: status === 'in_flight' ? undefined : atMillis + (millisOf(of[names.ATTEMPT_DURATION_MS]) ?? 0),
    status,
    code: numberOf(of[names.HTTP_RESPONSE_STATUS_CODE]),
    errorType: textOf(of[names.ERROR_TYPE]),
    errorMessage: textOf(of[names.EXCEPTION_MESSAGE]),
    waitMillis: millisOf(of[names.ATTEMPT_WAIT_MS]),
    askedMillis,
    firstChunkMillis: millisOf(of[names.ATTEMPT_TIME_TO_FIRST_CHUNK_MS]),
    url: textOf(of[names.URL_FULL]),
    method: textOf(of[names.HTTP_REQUEST_METHOD]),
    requestHeaders: headersOf(of, names.HTTP_REQUEST_HEADER_PREFIX),
    responseHeaders: headersOf(of, names.HTTP_RESPONSE_HEADER_PREFIX),
    requestBody: textOf(of[names.HTTP_REQUEST_BODY_CONTENT]),
    responseBody: textOf(of[names.HTTP_RESPONSE_BODY_CONTENT]),
    requestBodyBytes: numberOf(of[names.HTTP_REQUEST_BODY_SIZE]),
    responseBodyBytes: numberOf(of[names.HTTP_RESPONSE_BODY_SIZE]),
    truncatedBytes: truncatedBytes > 0 ? truncatedBytes : undefined,
    usage: usageOf(of),
  });
}

function headersOf(attributes: Record<string, unknown>, prefix: string): Record<string, string> {
  const headers = Object.entries(attributes)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), Array.isArray(value) ? value.join(', ') : String(value)]);
  return Object.fromEntries(headers);
}

function usageOf(of: Record<string, unknown>): Usage | undefined {
  const usage = defined({
    inputTokens: numberOf(of[names.GEN_AI_USAGE_INPUT_TOKENS]),
    outputTokens: numberOf(of[names.GEN_AI_USAGE_OUTPUT_TOKENS]),
    cacheReadTokens: numberOf(of[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]),
    cacheWriteTokens: numberOf(of[names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS]),
    reasoningTokens: numberOf(of[names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]),
  });
  return Object.keys(usage).length > 0 ? usage : undefined;
}

function statusUpdateOf({ attributes: of, atMillis }: EventRecord): StatusUpdate {
  const lateMillis = numberOf(of[names.STATUS_UPDATE_LATE_MS]);
  return defined({
    // A late one stands at the end of its span, because Jaeger hides what comes after.
    atMillis: atMillis + (lateMillis ?? 0),
    status: statusOf(of[names.STATUS]) ?? 'unknown',
    accepted: of[names.STATUS_UPDATE_ACCEPTED] === true,
    late: lateMillis !== undefined,
    errorType: textOf(of[names.ERROR_TYPE]),
  });
}
