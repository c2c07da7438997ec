import { type Attributes, type Span, type SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import type { AttributeWriter } from '../../capture/attribute-writer.js';
import type { CaptureSettings } from '../../capture/levels.js';
import { toHrTime } from '../../otel/clock.js';
import * as names from '../../otel/names.js';
import { type Failure, keptFailure } from './errors.js';
import type { Proposal } from './proposals.js';
import type { Status } from './status.js';

/** The failure of an outcome, as far as it may be recorded; `undefined` if it did not fail. */
export function outcomeFailure(
  { status, failure, ending }: Proposal,
  capturing: Pick<CaptureSettings, 'content' | 'redactor'>,
): Failure | undefined {
  if (status !== 'error') return undefined;
  // An `error` proposed without details has the failure of the last attempt.
  return keptFailure(failure ?? ending?.failure ?? { type: '_OTHER' }, capturing);
}

/** The span status of an outcome: OK, ERROR with the reason in one line, or UNSET. `failure` is what may be recorded. */
export function spanStatus(status: Status, failure: Failure | undefined): SpanStatus {
  if (status === 'completed') return { code: SpanStatusCode.OK };
  if (status !== 'error') return { code: SpanStatusCode.UNSET };
  if (!failure) return { code: SpanStatusCode.ERROR };
  const { type, className, message } = failure;
  const reason = className && className !== type ? `${type} ${className}` : type;
  return { code: SpanStatusCode.ERROR, message: message ? `${reason}: ${message}` : reason };
}

/** Writes the exception event of a failure; `failure` is what may be recorded. */
export function writeException(span: Span, failure: Failure, at: number): void {
  const exception: Attributes = { [names.EXCEPTION_TYPE]: failure.className ?? failure.type };
  if (failure.message) exception[names.EXCEPTION_MESSAGE] = failure.message;
  if (failure.stack) exception[names.EXCEPTION_STACKTRACE] = failure.stack;
  span.addEvent(names.EVENT_EXCEPTION, exception, toHrTime(at));
}

/** Writes `error.type` and the exception of a run or step that failed; `failure` is what may be recorded. */
export function writeFailure(span: Span, to: AttributeWriter, failure: Failure | undefined, at: number): void {
  if (!failure) return;
  to.write(names.ERROR_TYPE, failure.type);
  writeException(span, failure, at);
}
