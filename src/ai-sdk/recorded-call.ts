/** Records the answer of one call of a language model's `doGenerate` or `doStream`. */
import { context } from '@opentelemetry/api';
import * as names from '../otel/names.js';
import { invalidAnswer, ModelAnswer } from '../providers/formats/ai-sdk-model.js';
import { isStop } from '../spans/outcome/stops/is-stop.js';
import { noteSignal } from '../spans/outcome/stops/run-calls.js';
import type { TailEnd } from '../spans/returned-stream.js';
import type { StepScope } from '../spans/step-scope.js';
import { watchValues } from '../spans/streams/twin-stream.js';
import { Watch, type WatchEvents } from '../spans/streams/watch.js';
import { type JsonObject, object } from '../util/json-fields.js';

/**
 * Records what a model answered. If runtrace reads the call at the wire, the wire decides instead.
 *
 * `signal`: the caller's, which stops the call.
 */
export function recordAnswer(scope: StepScope, result: unknown, streaming: boolean, signal?: unknown): void {
  if (signal instanceof AbortSignal) noteSignal(scope.home, signal);
  const answer = object(result);
  const call = new RecordedCall(scope);
  const stream = streaming ? answer?.stream : undefined;
  if (!answer) call.answeredNothing(result);
  else if (!streaming) call.answered(answer);
  else if (stream instanceof ReadableStream && !stream.locked) call.streams(stream);
  scope.returned(undefined);
}

class RecordedCall {
  readonly #scope: StepScope;
  readonly #answer: ModelAnswer;

  constructor(scope: StepScope) {
    this.#scope = scope;
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

  /** The answer is a stream, which keeps the scope open until it ends. */
  streams(stream: ReadableStream): void {
    let onScopeEnd = (_end: TailEnd): void => {};
    const events: WatchEvents = {
      onValue: (part) => this.#part(part),
      onEnd: (end) => {
        this.#ended(end);
        onScopeEnd(end);
      },
    };
    const watch = new Watch(events, context.active());
    watchValues(stream, watch);
    this.#scope.returned(stream, (_stream, onEnd) => {
      onScopeEnd = onEnd;
      // Unlike a Response, it can't be read unseen, so it counts as begun.
      return { begun: true, idleSince: () => watch.idleSince() };
    });
  }

  #part(part: unknown): void {
    const read = object(part);
    if (!read) return;
    this.#answer.part(read);
    if (read.type === 'finish' || read.type === 'error') this.#conclude();
  }

  #ended(end: TailEnd): void {
    if (end.how === 'broke') this.#finish(isStop(end.error, this.#scope.home) ? 'interrupted' : 'error', end.error);
    else if (this.#answer.decided) return;
    else if (end.how === 'ended') this.#conclude();
    else this.#finish('interrupted');
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
