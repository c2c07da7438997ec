/** One call of a language model's `doGenerate` or `doStream` that has returned. */

import * as names from '../otel/names.js';
import { invalidAnswer, ModelAnswer } from '../providers/formats/ai-sdk-model.js';
import { isStop, noteSignal } from '../spans/outcome/stops.js';
import type { Tail, TailEnd } from '../spans/returned-stream.js';
import type { StepScope } from '../spans/step-scope.js';
import { type JsonObject, object } from '../util/json-fields.js';
import { observeParts, type PartObserver } from './stream-parts.js';

/**
 * Records what the model answered. What is seen on the wire, and understood, comes before what the model makes of it.
 *
 * `signal` is what the caller stops it by.
 */
export function recordAnswer(scope: StepScope, result: unknown, streaming: boolean, signal?: unknown): void {
  const answer = object(result);
  const call = new RecordedCall(scope, signal instanceof AbortSignal ? signal : undefined);
  const stream = streaming ? answer?.stream : undefined;
  if (!answer) call.answeredNothing(result);
  else if (!streaming) call.answered(answer);
  else if (stream instanceof ReadableStream && !stream.locked) {
    observeParts(stream, call);
    scope.returned(stream, (_stream, onEnd) => call.goesOn(onEnd));
  }
  scope.returned(undefined);
}

class RecordedCall implements PartObserver, Tail {
  /** Whoever reads the stream is seen. */
  readonly begun = true;
  readonly #scope: StepScope;
  readonly #answer: ModelAnswer;
  #idleSince: number | undefined = performance.now();
  #onEnd: ((end: TailEnd) => void) | undefined;

  constructor(scope: StepScope, signal: AbortSignal | undefined) {
    this.#scope = scope;
    if (signal) noteSignal(scope.home, signal);
    this.#answer = new ModelAnswer(scope.capturing.messages);
  }

  answeredNothing(result: unknown): void {
    const error = invalidAnswer(`the model answered ${result === null ? 'null' : typeof result}`);
    this.#scope.finish('error', { error });
  }

  answered(result: JsonObject): void {
    this.#answer.whole(result);
    this.#conclude();
  }

  /** The answer is a stream, and nothing else tells how it goes on. */
  goesOn(onEnd: (end: TailEnd) => void): Tail {
    this.#onEnd = onEnd;
    return this;
  }

  idleSince(): number | undefined {
    return this.#idleSince;
  }

  pulling(): void {
    this.#idleSince = undefined;
  }

  part(part: unknown): void {
    this.#idleSince = performance.now();
    const read = object(part);
    if (!read) return;
    this.#answer.part(read);
    if (read.type === 'finish' || read.type === 'error') this.#conclude();
  }

  ended(): void {
    if (!this.#answer.decided) this.#conclude();
    this.#onEnd?.({ how: 'ended' });
  }

  broke(error: unknown): void {
    this.#finish(isStop(error, this.#scope.home) ? 'interrupted' : 'error', error);
    this.#onEnd?.({ how: 'broke', error });
  }

  cancelled(): void {
    if (!this.#answer.decided) this.#finish('interrupted');
    this.#onEnd?.({ how: 'cancelled' });
  }

  /** The outcome is known, or the answer ended without a finish reason. */
  #conclude(): void {
    const warnings = this.#answer.warnings(this.#scope.capturing.content);
    if (warnings.length > 0) this.#scope.note({ [names.STEP_WARNINGS]: warnings });
    if (this.#answer.complete) this.#finish('completed');
    else this.#finish('error', this.#answer.error);
  }

  #finish(status: 'interrupted' | 'error' | 'completed', error?: unknown): void {
    if (this.#scope.understood) return;
    this.#scope.finish(status, { ...this.#answer.details, ...(error !== undefined && { error }) });
  }
}
