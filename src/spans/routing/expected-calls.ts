/**
 * Model calls that somebody has announced who can't give them a context: their `fetch` is called in the context of whoever asked for them.
 *
 * The AI SDK tells of `embed` and `generateObject` like that.
 */
import type { Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import type { ModelCall } from '../../providers/detect.js';
import type { OutgoingRequest } from '../outcome/http-exchange.js';
import type { StepScope } from '../step-scope.js';

const expectedCalls = new WeakMap<Context, ExpectedCalls>();

/** What is expected of one context. */
class ExpectedCalls {
  /** The model that is asked, in the order in which they were announced. */
  readonly expecting = new Map<StepScope, string>();

  /** The most that is kept for any of them. */
  get capturing(): CaptureSettings | undefined {
    let most: CaptureSettings | undefined;
    for (const { capturing } of this.expecting.keys()) if (!most || capturing.messages) most = capturing;
    return most;
  }

  /** Whose call this is: a retry's, or that of the oldest that asks this model and has not begun. Two at once may be taken for each other. */
  ownerOf(outgoing: OutgoingRequest, call: ModelCall): StepScope | undefined {
    let next: StepScope | undefined;
    for (const [scope, model] of this.expecting) {
      if (scope.recall(outgoing)) return scope;
      if (!next && !scope.begun && call.request.model === model) next = scope;
    }
    return next;
  }
}

/** `scope` expects a call of `model` that is made in `ctx`. Returns what ends that. */
export function expectCall(ctx: Context, model: string, scope: StepScope): () => void {
  const here = expectedCalls.get(ctx) ?? new ExpectedCalls();
  expectedCalls.set(ctx, here);
  here.expecting.set(scope, model);
  return () => {
    here.expecting.delete(scope);
    if (here.expecting.size === 0) expectedCalls.delete(ctx);
  };
}

/** What is expected of calls that are made in `active`. */
export function expectedCallsIn(active: Context): ExpectedCalls | undefined {
  return expectedCalls.get(active);
}
