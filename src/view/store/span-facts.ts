import * as names from '../../otel/names.js';
import type { Attempt, ShownStatus, SpanKind } from '../model.js';
import { isInProgress, type SpanRecord } from '../receive/span-record.js';
import { askedBy, eventsOf } from './attempts.js';
import { millisOf, numberOf, statusOf, textOf } from './values.js';

/** What the list needs of a span. It is computed once, when the span arrives. */
export interface SpanFacts {
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly kind: SpanKind;
  /** Whether it belongs to a run or is a model call: only traces with such a span are in the list. */
  readonly isListed: boolean;
  readonly name: string;
  readonly startMillis: number;
  /** `undefined` while the span is in progress, and of a span that was delivered without an end. */
  readonly endMillis: number | undefined;
  readonly status: ShownStatus;
  readonly runKind: string | undefined;
  readonly conversationId: string | undefined;
  readonly service: string | undefined;
  readonly model: string | undefined;
  readonly codes: readonly { readonly atMillis: number; readonly code: string }[];
  readonly failedAttempts: number;
  readonly waitedMillis: number;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** For a run: what it says of itself, for a run whose steps are missing. */
  readonly stepCount: number | undefined;
  readonly reason: string | undefined;
}

/** A text that every row repeats. */
const LONGEST_LABEL = 512;
/** How many attempt codes of a step, and of a row, are shown. */
export const MOST_CODES = 200;

export function factsOf(record: SpanRecord): SpanFacts {
  const { attributes: of } = record;
  const { attempts } = eventsOf(record);
  const kind = kindOf(record);
  const isRun = kind === 'run';
  const operation = of[names.GEN_AI_OPERATION_NAME];
  const status = spanStatus(record);
  return {
    spanId: record.spanId,
    parentSpanId: record.parentSpanId,
    kind,
    isListed: kind !== 'other' || of[names.RUN_ID] !== undefined || operation !== undefined || attempts.length > 0,
    name: label(record.name) ?? '',
    startMillis: record.startMillis,
    endMillis: record.endMillis,
    status,
    runKind: label(of[names.RUN_KIND]),
    conversationId: label(of[names.GEN_AI_CONVERSATION_ID]),
    service: label(record.service),
    model: isRun ? undefined : label(of[names.GEN_AI_RESPONSE_MODEL] ?? of[names.GEN_AI_REQUEST_MODEL]),
    codes: codesOf(record, attempts),
    failedAttempts: failedAttemptsOf(record, attempts),
    waitedMillis: millisOf(of[names.STEP_RETRY_WAIT_MS]) ?? attempts.reduce((sum, it) => sum + (it.waitMillis ?? 0), 0),
    inputTokens: numberOf(of[isRun ? names.RUN_INPUT_TOKENS : names.GEN_AI_USAGE_INPUT_TOKENS]),
    outputTokens: numberOf(of[isRun ? names.RUN_OUTPUT_TOKENS : names.GEN_AI_USAGE_OUTPUT_TOKENS]),
    stepCount: numberOf(of[names.RUN_STEP_COUNT]),
    reason: status === 'error' ? label(record.statusMessage ?? of[names.ERROR_TYPE]) : undefined,
  };
}

export function kindOf({ attributes }: SpanRecord): SpanKind {
  if (attributes[names.RUN_KIND] !== undefined) return 'run';
  if (attributes[names.STEP_NUMBER] !== undefined) return 'step';
  return attributes[names.GEN_AI_OPERATION_NAME] === 'execute_tool' ? 'tool' : 'other';
}

/** By the status code of OpenTelemetry: OK is set by the application, or by runtrace for a tool call. */
const STATUS_OF_CODE: Readonly<Record<number, ShownStatus>> = { 1: 'completed', 2: 'error' };

/** A span is in progress also if an outcome was proposed for it, and never where it was delivered. */
export function spanStatus(record: SpanRecord): ShownStatus {
  if (isInProgress(record)) return 'in_progress';
  const status = statusOf(record.attributes[names.STATUS]);
  if (status !== undefined && status !== 'in_progress') return status;
  return STATUS_OF_CODE[record.statusCode ?? 0] ?? 'unknown';
}

/** Since when a step in progress waits for its next attempt, and how long it was asked to. */
export function waitOf(
  record: SpanRecord,
  attempts: readonly Attempt[],
): { sinceMillis: number; askedMillis?: number } | undefined {
  const last = attempts.at(-1);
  const isWaiting =
    isInProgress(record) && last?.status === 'failed' && attempts.every(({ status }) => status !== 'in_flight');
  if (!isWaiting || last?.endMillis === undefined) return undefined;
  const askedMillis = askedBy(last);
  return { sinceMillis: last.endMillis, ...(askedMillis !== undefined && { askedMillis }) };
}

function codesOf({ attributes, startMillis }: SpanRecord, attempts: readonly Attempt[]): SpanFacts['codes'] {
  if (attempts.length > 0) {
    const ended = attempts.filter(({ status }) => status !== 'in_flight');
    return ended.slice(0, MOST_CODES).map((attempt) => ({ atMillis: attempt.startMillis, code: codeOf(attempt) }));
  }
  // Some backends drop events. The codes are an attribute: one string, or a list as version 0.1 wrote it.
  const codes = attributes[names.STEP_ATTEMPT_CODES];
  const list = Array.isArray(codes) ? codes.map(String) : (textOf(codes)?.split(' ') ?? []);
  return list.slice(0, MOST_CODES).map((code) => ({ atMillis: startMillis, code: code.slice(0, 64) }));
}

/** `429`; without an HTTP status, or where a 2xx did not end well: `ECONNRESET`, `aborted`. */
function codeOf({ code, status, errorType }: Attempt): string {
  if (code !== undefined && (status === 'completed' || code >= 400)) return String(code);
  return (status === 'failed' && label(errorType)?.slice(0, 64)) || status;
}

function failedAttemptsOf({ attributes }: SpanRecord, attempts: readonly Attempt[]): number {
  const written = numberOf(attributes[names.STEP_FAILED_ATTEMPT_COUNT]);
  return written ?? attempts.filter(({ status }) => status === 'failed').length;
}

function label(value: unknown): string | undefined {
  return textOf(value)?.slice(0, LONGEST_LABEL);
}
