/**
 * The model calls of `embed`, `embedMany`, `generateObject` and `streamObject`. Their hooks fire before the `fetch`, in a context that runtrace
 * can't set, so the `fetch` is recognized by its model (`expectCall`).
 */

import type { Context } from '@opentelemetry/api';
import { ModelAnswer, readUsage } from '../providers/formats/ai-sdk-model.js';
import { expectCall } from '../spans/routing/expected-calls.js';
import type { StepScope } from '../spans/step-scope.js';
import type { EmbedEndEvent, EmbedStartEvent, ObjectStepEndEvent } from './operation-events.js';

interface AnnouncedCall {
  readonly scope: StepScope;
  /** Stops expecting its `fetch`. */
  readonly withdraw: () => void;
  /** The values to embed. */
  readonly values: readonly string[];
}

/** `generateObject` and `streamObject` make one call, which has no id. */
const OBJECT = '';

export class AnnouncedCalls {
  /** The context in which the operation was called, and calls `fetch`. */
  readonly #around: Context;
  readonly #calls = new Map<string, AnnouncedCall>();

  constructor(around: Context) {
    this.#around = around;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** The call of a structured output. `open` makes its scope. */
  objectStarts(model: string, open: () => StepScope | undefined): void {
    this.#expect(OBJECT, model, [], open);
  }

  objectEnded({ objectText, ...answer }: ObjectStepEndEvent): void {
    const scope = this.#withdraw(OBJECT)?.scope;
    if (!scope) return;
    if (!scope.understood) {
      const read = new ModelAnswer(scope.capturing.messages);
      read.whole({ ...answer, content: [{ type: 'text', text: objectText }] });
      const { details, complete, error } = read;
      if (complete) scope.finish('completed', details);
      else scope.finish('error', error === undefined ? details : { ...details, error });
    }
    scope.returned(undefined);
  }

  /** The hook fires before each attempt. The retry of a call that failed gets the id of the new attempt. `isOne`: the operation makes one call. */
  embedStarts(
    { embedCallId, modelId, values }: EmbedStartEvent,
    isOne: boolean,
    open: () => StepScope | undefined,
  ): void {
    for (const [id, call] of this.#calls) {
      if (!call.scope.awaitsRetry || !(isOne || isSameEmbedding(call, values))) continue;
      this.#calls.delete(id);
      this.#calls.set(embedCallId, call);
      return;
    }
    this.#expect(embedCallId, modelId, values, open);
  }

  embedEnded({ embedCallId, usage }: EmbedEndEvent): void {
    const scope = this.#withdraw(embedCallId)?.scope;
    if (!scope) return;
    if (!scope.understood) scope.finish('completed', { usage: readUsage(usage) });
    scope.returned(undefined);
  }

  threw(error: unknown): void {
    for (const { scope } of this.#calls.values()) scope.threw(error);
  }

  withdrawAll(): void {
    for (const { withdraw } of this.#calls.values()) withdraw();
  }

  #expect(id: string, model: string, values: readonly string[], open: () => StepScope | undefined): void {
    if (this.#calls.has(id)) return;
    const scope = open();
    if (scope) this.#calls.set(id, { scope, values, withdraw: expectCall(this.#around, model, scope) });
  }

  #withdraw(id: string): AnnouncedCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.withdraw();
    return call;
  }
}

/** If inputs are not recorded, the values of every call are empty. */
function isSameEmbedding({ scope, values: before }: AnnouncedCall, values: readonly string[]): boolean {
  const isSame = before.length === values.length && before.every((value, index) => value === values[index]);
  return isSame && (values.length > 0 || scope.begun);
}
