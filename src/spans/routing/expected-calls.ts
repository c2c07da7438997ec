/**
 * Calls whose hook fires before their `fetch`, in a context that runtrace can't set: `embed` and `generateObject` of the AI SDK. The `fetch` runs
 * in the context of the application, and is recognized there by its model.
 */
import type { Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import type { ModelCall } from '../../providers/detect.js';
import type { OutgoingRequest } from '../attempts/http-exchange.js';
import type { StepScope } from '../step-scope.js';

const expectedCalls = new WeakMap<Context, ExpectedCalls>();

/** The calls that are expected in one context. */
class ExpectedCalls {
  /** The model of each call, in the order in which the hooks fired. */
  readonly expecting = new Map<StepScope, string>();

  /** The settings of the call that captures most. */
  get capturing(): CaptureSettings | undefined {
    let most: CaptureSettings | undefined;
    for (const { capturing } of this.expecting.keys()) if (!most || capturing.messages) most = capturing;
    return most;
  }

  /** The scope that this request belongs to: as a retry, or the oldest that asks this model and has not begun. Two equal calls may swap. */
  ownerOf(outgoing: OutgoingRequest, call: ModelCall): StepScope | undefined {
    let next: StepScope | undefined;
    for (const [scope, model] of this.expecting) {
      if (scope.recall(outgoing)) return scope;
      if (!next && !scope.begun && call.request.model === model) next = scope;
    }
    return next;
  }
}

/** Expects a call of `model` in `ctx`, which belongs to `scope`. Returns a function that stops expecting it. */
export function expectCall(ctx: Context, model: string, scope: StepScope): () => void {
  const here = expectedCalls.get(ctx) ?? new ExpectedCalls();
  expectedCalls.set(ctx, here);
  here.expecting.set(scope, model);
  return () => {
    here.expecting.delete(scope);
    if (here.expecting.size === 0) expectedCalls.delete(ctx);
  };
}

/** The calls that are expected in `active`. */
export function expectedCallsIn(active: Context): ExpectedCalls | undefined {
  return expectedCalls.get(active);
}
