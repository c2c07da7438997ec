import { type Context, context } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import { type ModelCall, mayBeModelCall, readModelCall } from '../providers/detect.js';
import { capturingIn, isOutside, isRecorded, reuseOf, runOf, stepOf, withoutRun } from '../spans/context.js';
import type { AttemptOwner, OutgoingRequest } from '../spans/outcome/http-exchange.js';
import { polledBy } from '../spans/routing/background-response.js';
import { expectedCallsIn } from '../spans/routing/expected-calls.js';
import { implicitStepFor } from '../spans/routing/implicit-step.js';
import { othersModelSpanIn } from '../spans/routing/others-model-span.js';
import type { StepScope } from '../spans/step-scope.js';
import { guarded, report } from '../util/diagnostics.js';
import { requireFunction } from '../util/validation.js';
import { InFlightAttempt, isSending } from './in-flight-attempt.js';
import { readOutgoing, signalOf, targetOf } from './request.js';

/**
 * The recording fetch: the same signature as `fetch`, and an application can't tell it from the real one. It has no state; it finds the
 * run and the step in the context.
 */

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` that records each call as an attempt of the step that it is made for. Everything else about it is as `globalThis.fetch`,
 * which is looked up when it is called.
 *
 * Outside of a run it passes everything through.
 *
 * @example const openai = new OpenAI({ fetch: recordingFetch });
 */
export const recordingFetch: Fetch = /* @__PURE__ */ recordAround(callGlobal);

/**
 * Makes a recording fetch around another implementation of `fetch`. Throws a `TypeError` if `fetch` is no function.
 *
 * @example const openai = new OpenAI({ fetch: wrapFetch(proxiedFetch) });
 */
export function wrapFetch(fetch: Fetch): Fetch {
  requireFunction(fetch, 'fetch');
  return recordAround(callOf(fetch));
}

/** The `fetch` of one step: it needs no context manager. */
export function fetchOf(scope: StepScope | undefined): Fetch {
  if (scope) return recordAround(callGlobal, scope);
  // Of a step that isn't recorded: nor is this call, whatever is around it.
  return (...args) => context.with(withoutRun(context.active()), () => globalThis.fetch(...args));
}

/**
 * A recording fetch to stand in the place of `fetch`, which everything in the application goes through: only known model calls are
 * attempts, and `outside` takes those that are in no run.
 */
export function recordInPlaceOf(fetch: Fetch, outside: Outside): Fetch {
  return recordAround(callOf(fetch), undefined, outside);
}

/** Who takes model calls that are in no run. */
export interface Outside {
  /** What it keeps of a model call in this context; `undefined` if it takes none. */
  capturingIn(active: Context): CaptureSettings | undefined;
  /** Who the call is made for, and the context for it. */
  ownerOf(
    active: Context,
    capturing: CaptureSettings,
    outgoing: OutgoingRequest,
    call: ModelCall,
  ): { owner: AttemptOwner; inside: Context } | undefined;
}

/** Calls a `fetch` as it was called: how many arguments there are matters too. */
type Call = (self: unknown, args: Parameters<Fetch>) => Promise<Response>;

/** The global one is looked up when it is called, and may have been called as anybody's method. */
function callGlobal(_self: unknown, args: Parameters<Fetch>): Promise<Response> {
  return globalThis.fetch(...args);
}

function callOf(fetch: Fetch): Call {
  return (self, args) => Reflect.apply(fetch, self, args);
}

function recordAround(call: Call, scope?: StepScope, outside?: Outside): Fetch {
  return function fetch(this: unknown, ...args: Parameters<Fetch>) {
    const active = context.active();
    const live = guarded('an attempt could not be recorded', () => beginAttempt(active, scope, outside, ...args));
    return live ? live.send(() => call(this, args)) : call(this, args);
  };
}

function beginAttempt(
  active: Context,
  scope: StepScope | undefined,
  outside: Outside | undefined,
  input: RequestInfo | URL,
  init?: RequestInit,
): InFlightAttempt | undefined {
  if (isSending() || isRecorded(active)) return undefined;
  const enclosing = scope ?? stepOf(active);
  const step = enclosing?.step.settled ? undefined : enclosing;
  const run = runOf(active);
  const announced = step ? undefined : expectedCallsIn(active);
  const capturing =
    (step ?? announced)?.capturing ??
    (run && capturingIn(active, run.recording.capturing)) ??
    (isOutside(active) ? outside?.capturingIn(active) : undefined);
  if (!capturing) {
    if (enclosing) report('a call was made after its step had settled; it is not recorded');
    return undefined;
  }
  // Whoever gave a client this fetch, or took the step's own, wants all of its calls; the global one has everybody's.
  const takesAll = step !== undefined && outside === undefined;
  const target = targetOf(input, init);
  const { method, url } = target;
  const polled = run && polledBy(method, url, run.recording.polls);
  if (polled) {
    const outgoing = readOutgoing(target, input, init);
    return new InFlightAttempt(polled, outgoing, polled.call, signalOf(input, init), active);
  }
  if (!takesAll && !mayBeModelCall(method, url)) return undefined;
  const outgoing = readOutgoing(target, input, init);
  const call = step?.recall(outgoing) ?? readModelCall(method, url, outgoing.body, capturing.messages);
  const live = (owner: AttemptOwner, inside = active) =>
    new InFlightAttempt(owner, outgoing, call, signalOf(input, init), inside);
  if (step && (call || takesAll)) return live(step);
  if (!call) return undefined;
  const expecting = announced?.ownerOf(outgoing, call);
  if (expecting) return live(expecting);
  if (run) {
    const { recording } = run;
    const owner =
      othersModelSpanIn(active, () => (recording.settled ? undefined : recording)) ??
      implicitStepFor(active, run, reuseOf(active), outgoing, call);
    if (!owner && recording.settled) report('a model call was made after its run had settled; it is not recorded');
    return owner && live(owner);
  }
  const taken = outside?.ownerOf(active, capturing, outgoing, call);
  return taken && live(taken.owner, taken.inside);
}
