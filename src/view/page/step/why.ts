import * as names from '../../../otel/names.js';
import { shownMillis } from '../../../util/shown-millis.js';
import type { Attempt, SpanNode } from '../../model.js';
import { plural } from '../parts/format.js';
import { isModelCall, waitsOf } from '../run/spans.js';
import { waitText } from '../run/wait-labels.js';

/** One sentence: why the span ended as it did. `isLost`: its run is in progress and gives no sign of life. */
export function whyEnded(span: SpanNode, now: number, isLost: boolean): string {
  if (span.status === 'in_progress') return inProgress(span, now, isLost);
  if (span.status === 'completed') return completed(span);
  if (span.status === 'error') return sentence(`Failed: ${failure(span)}`);
  if (span.status === 'interrupted') return sentence(`Interrupted: ${interruption(span)}`);
  return span.endMillis === undefined
    ? 'The span was delivered without an end, and does not say how it went.'
    : 'Ended. The span does not say how.';
}

/** The message of an error may have its own full stop. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function inProgress(span: SpanNode, now: number, isLost: boolean): string {
  if (isLost) return 'Lost contact: the program gives no sign of life, so how this ends is not known.';
  const last = span.attempts.at(-1);
  const proposed = proposal(span);
  if (span.waiting) {
    const wait = waitsOf(span, now).at(-1);
    const after = last ? ` after ${attemptAnswer(last)}` : '';
    return `In progress: waiting for attempt ${(last?.number ?? 0) + 1}${after}${wait ? `; ${waitText(wait)} so far` : ''}.${proposed}`;
  }
  if (last?.status !== 'in_flight') return `In progress for ${shownMillis(now - span.startMillis)}.${proposed}`;
  const chunk =
    last.firstChunkMillis === undefined
      ? 'no first chunk yet'
      : `first chunk after ${shownMillis(last.firstChunkMillis)}`;
  return `In progress: attempt ${last.number} is in flight since ${shownMillis(now - last.startMillis)}, ${chunk}.${proposed}`;
}

/** The status of a span in progress is the proposal in force. */
function proposal({ attributes }: SpanNode): string {
  const status = text(attributes[names.STATUS]);
  if (status === undefined || status === 'in_progress') return '';
  const type = text(attributes[names.ERROR_TYPE]);
  return ` The last proposal is ${status}${type ? ` (${type})` : ''}.`;
}

function completed(span: SpanNode): string {
  const { attempts } = span;
  const last = attempts.at(-1);
  const cut = cutOff(span);
  if (!last) {
    const unseen = isModelCall(span) ? ' No HTTP attempt of it was seen.' : '';
    return cut ? `Completed, but ${cut}.${unseen}` : `Completed.${unseen}`;
  }
  if (last.status !== 'completed') {
    return sentence(`Completed: the application says so, although ${lastAttempt(span, last)}`);
  }
  const reason = finishReason(span);
  const answered = `attempt ${last.number} was answered in full${reason && !cut ? ` (${reason})` : ''}`;
  const before = attempts.slice(0, -1).filter(({ status }) => status !== 'completed');
  const after =
    before.length > 0
      ? `, after ${before.length <= 4 ? before.map(attemptAnswer).join(', ') : plural(before.length, 'failed attempt')}`
      : '';
  const waited = waitsOf(span, last.startMillis).reduce((sum, { millis }) => sum + millis, 0);
  const waiting = waited > 0 ? ` and ${shownMillis(waited)} of waiting` : '';
  return cut ? `Completed, but ${cut}: ${answered}${after}${waiting}.` : `Completed: ${answered}${after}${waiting}.`;
}

function failure(span: SpanNode): string {
  const last = span.attempts.at(-1);
  const type = text(span.attributes[names.ERROR_TYPE]);
  const exception = span.otherEvents.findLast(({ name }) => name === names.EVENT_EXCEPTION);
  const message = text(exception?.attributes[names.EXCEPTION_MESSAGE]);
  const thrown = type ?? text(exception?.attributes[names.EXCEPTION_TYPE]);
  if (last && last.status !== 'completed') {
    const known = `${last.code} ${last.errorType} ${last.errorMessage}`;
    const more = [thrown, message].filter((it) => it && !known.includes(it)).join(': ');
    return `${lastAttempt(span, last)}${more && ` (${more})`}`;
  }
  const details = detailsOf(thrown, message ?? span.statusMessage);
  const cut = cutOff(span);
  if (cut) return `${cut}${details ? ` (${details})` : ''}`;
  if (last) return `${details || 'an error was reported'}, after attempt ${last.number} had been answered in full`;
  return details || 'the span does not say why';
}

/** A status message often begins with the type. */
function detailsOf(type: string | undefined, message: string | undefined): string {
  return (message?.includes(type ?? '') ? message : [type, message].filter(Boolean).join(': ')) ?? '';
}

function interruption(span: SpanNode): string {
  const last = span.attempts.at(-1);
  if (!last)
    return isModelCall(span) ? 'it was stopped before an HTTP attempt was seen' : 'it was stopped before its end';
  return last.status === 'completed'
    ? `it was stopped after attempt ${last.number} had been answered`
    : lastAttempt(span, last);
}

/** How the last attempt ended, as a clause. */
function lastAttempt({ attempts, status }: SpanNode, last: Attempt): string {
  const which = attempts.length > 1 ? `attempt ${last.number} of ${attempts.length}` : `attempt ${last.number}`;
  const chunk = last.firstChunkMillis;
  if (last.status === 'unread') return `the client never read the answer of ${which}`;
  if (last.status === 'aborted') {
    if (chunk !== undefined)
      return `the caller stopped ${which} while it was being answered, ${shownMillis((last.endMillis ?? last.startMillis) - last.startMillis - chunk)} after its first chunk`;
    return last.code === undefined
      ? `the caller stopped ${which} before an answer came`
      : `the caller stopped ${which} before its first chunk`;
  }
  if (status === 'interrupted') return `the caller stopped after ${attemptAnswer(last)}, before the next attempt`;
  const type = errorOf(last);
  if (last.code === undefined) return `${which} got no answer${type && ` (${type})`}`;
  if (last.code >= 400) return `${which} was refused with ${last.code}${type && ` ${type}`}`;
  return `the answer of ${which} was not good: ${type || 'it broke off'}`;
}

/** `429`, `ECONNRESET`, `aborted`. */
export function attemptAnswer({ code, errorType, status }: Attempt): string {
  if (code !== undefined && (code >= 400 || status === 'completed')) return String(code);
  return errorType ?? (code === undefined ? status : `${code} ${status}`);
}

function errorOf({ code, errorType, errorMessage }: Attempt): string {
  return [errorType === String(code) ? '' : errorType, errorMessage].filter(Boolean).join(': ');
}

/** Finish reasons with which an answer is not what was asked for. */
const CUT: Readonly<Record<string, string>> = {
  length: 'the answer was cut off at the token limit',
  max_tokens: 'the answer was cut off at the token limit',
  MAX_TOKENS: 'the answer was cut off at the token limit',
  max_output_tokens: 'the answer was cut off at the token limit',
  content_filter: 'the content filter stopped the answer',
  SAFETY: 'the content filter stopped the answer',
  refusal: 'the model refused',
};

/** What a finish reason says about an answer that is not whole; `undefined` for a good one. */
export function cutBy(reason: unknown): string | undefined {
  return typeof reason === 'string' && Object.hasOwn(CUT, reason) ? CUT[reason] : undefined;
}

function cutOff(span: SpanNode): string | undefined {
  const reason = finishReasons(span).find((candidate) => cutBy(candidate) !== undefined);
  return reason === undefined ? undefined : `${cutBy(reason)} (${reason})`;
}

function finishReason(span: SpanNode): string {
  return finishReasons(span).join(', ');
}

function finishReasons({ attributes }: SpanNode): unknown[] {
  const reasons = attributes[names.GEN_AI_RESPONSE_FINISH_REASONS];
  return Array.isArray(reasons) ? reasons : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
