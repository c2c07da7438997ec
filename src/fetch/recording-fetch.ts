import { type Context, context } from '@opentelemetry/api';
import type { ModelCall, UnreadCall } from '../providers/detect.js';
import type { AttemptOwner, OutgoingRequest, ReadBody } from '../spans/attempts/http-exchange.js';
import { type ActiveRun, reuseOf, withFetch, withoutRun } from '../spans/context.js';
import { callRecorded, unreadPost } from '../spans/omissions/missed-calls.js';
import { expectedCallsIn } from '../spans/routing/expected-calls.js';
import { implicitStepFor } from '../spans/routing/implicit-step.js';
import { othersModelSpanIn } from '../spans/routing/others-model-span.js';
import type { StepScope } from '../spans/step-scope.js';
import { guarded, report } from '../util/diagnostics.js';
import { reportOmission } from '../util/omissions.js';
import { badOption, requireFunction, requireOptions } from '../util/validation.js';
import { InFlightAttempt, UNRECORDED } from './in-flight-attempt.js';
import { type ReadAnswer, readResponse } from './received.js';
import { findPlace, type Outside, type Place, type Purpose } from './request/place.js';
import { readOnce } from './request/read-once.js';
import { readOutgoing, signalOf } from './request/request.js';
import { readBodyInMemory } from './request/request-body.js';
import { kindOf, type RequestKind } from './request/request-kind.js';

/**
 * The recording fetch has the signature of `fetch`, and an application can't tell it from the real one. It has no state: it finds the run
 * and the step in the context.
 */

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` that records each call as an attempt of the step around it. In all else it behaves like `globalThis.fetch`, which it looks up
 * at each call. Outside of a run it records nothing.
 *
 * @example const openai = new OpenAI({ fetch: recordingFetch });
 */
export const recordingFetch: Fetch = /* @__PURE__ */ recordAround(callGlobal);

/** Options of {@link wrapFetch}. */
export interface WrapFetchOptions {
  /**
   * `'step'`: every POST in a run is a step, except JSON-RPC, GraphQL, requests for a token and uploads of files. Default: only model calls
   * are, and POSTs that look like one (a known provider's host, or a body with a model and its input).
   */
  unknown?: 'step' | undefined;
}

/**
 * Makes a recording fetch around another implementation of `fetch`. Throws a `TypeError` if `fetch` is not a function, or for a bad option.
 *
 * @example const openai = new OpenAI({ fetch: wrapFetch(proxiedFetch) });
 * @example const client = new LocalModel({ fetch: wrapFetch(fetch, { unknown: 'step' }) });
 */
export function wrapFetch(fetch: Fetch, options: WrapFetchOptions = {}): Fetch {
  requireFunction(fetch, 'fetch');
  requireOptions(options, 'options', ['unknown']);
  const { unknown } = options;
  if (unknown !== undefined && unknown !== 'step') throw badOption('options.unknown', "'step'", unknown);
  return recordAround(callOf(fetch), { everyPost: unknown === 'step' });
}

/** The `fetch` of one step. It needs no context manager. */
export function fetchOf(scope: StepScope | undefined): Fetch {
  if (scope) return recordAround(callGlobal, { scope });
  // The step is not recorded, so neither is this call, not even in the run around it.
  return (...args) => context.with(withoutRun(context.active()), () => globalThis.fetch(...args));
}

/**
 * A recording fetch that replaces the global `fetch`. The application uses that for everything, so only known model calls are attempts.
 * `outside` takes the model calls that are in no run.
 */
export function recordInPlaceOf(fetch: Fetch, outside: Outside): Fetch {
  return recordAround(callOf(fetch), { outside });
}

/** Calls a `fetch` with the same `this` and the same number of arguments. */
type Call = (self: unknown, args: Parameters<Fetch>) => Promise<Response>;

/** The global `fetch` does not take the caller's `this`: recordingFetch may be a method of any object. */
function callGlobal(_self: unknown, args: Parameters<Fetch>): Promise<Response> {
  return globalThis.fetch(...args);
}

function callOf(fetch: Fetch): Call {
  return (self, args) => Reflect.apply(fetch, self, args);
}

function recordAround(call: Call, purpose: Purpose = {}): Fetch {
  return function fetch(this: unknown, ...given: Parameters<Fetch>) {
    const args = guarded(UNRECORDED, () => readOnce(given)) ?? given;
    return recordExchange(args, () => call(this, args), readResponse, purpose);
  };
}

/**
 * Records one HTTP exchange. `args` describe the request as `fetch` takes it. `call` makes the exchange, by any transport, and `read` reads
 * its result. Returns what `call` returns, with its body observed.
 */
export function recordExchange<T>(
  args: Parameters<Fetch>,
  call: () => Promise<T>,
  read: ReadAnswer<T>,
  purpose: Purpose = {},
): Promise<T> {
  let place: Place | undefined;
  let reading: Promise<ReadBody | undefined> | undefined;
  // Not by `guarded`, nor in `send`: with a function for it, a call took 1.2 times as long in a third of the processes (Node 20).
  try {
    place = findPlace(purpose, args);
    reading = place && readBodyInMemory(args);
  } catch (error) {
    report(UNRECORDED, error);
  }
  if (!place) return call();
  return reading ? sendWhenRead(place, args, reading, call, read) : send(place, args, undefined, call, read);
}

async function sendWhenRead<T>(
  place: Place,
  args: Parameters<Fetch>,
  reading: Promise<ReadBody | undefined>,
  call: () => Promise<T>,
  read: ReadAnswer<T>,
): Promise<T> {
  return send(place, args, await reading, call, read);
}

function send<T>(
  place: Place,
  args: Parameters<Fetch>,
  requestBody: ReadBody | undefined,
  call: () => Promise<T>,
  read: ReadAnswer<T>,
): Promise<T> {
  let live: InFlightAttempt | undefined;
  try {
    live = beginAttempt(place, args, requestBody);
  } catch (error) {
    report(UNRECORDED, error);
  }
  if (live) return live.send(call, read);
  // The body has shown that it is no model call. What sees the request below the global fetch does not see its body.
  return place.outside ? context.with(withFetch(place.active), call) : call();
}

/** Begins to record an exchange that another transport makes by itself; `undefined` if it is not recorded. */
export function beginExchange(args: Parameters<Fetch>, outside: Outside): InFlightAttempt | undefined {
  return guarded(UNRECORDED, () => {
    const place = findPlace({ outside }, args);
    const live = place && beginAttempt(place, args, undefined);
    live?.sent();
    return live;
  });
}

function beginAttempt(
  place: Place,
  [input, init]: Parameters<Fetch>,
  requestBody: ReadBody | undefined,
): InFlightAttempt | undefined {
  const { active, run, step, capturing, target, polled } = place;
  const allHeaders = capturing.content || run?.recording.capturing.content === true;
  const outgoing = readOutgoing(target, input, init, requestBody, allHeaders);
  const signal = signalOf(input, init);
  if (polled) return new InFlightAttempt(polled, outgoing, polled.call, signal, active);
  const kind = step?.recall(outgoing) ?? kindOf(outgoing, place, capturing);
  const call = typeof kind === 'object' && 'request' in kind ? kind : undefined;
  const owned = ownerOf(place, outgoing, call, kind);
  if (!owned) return undefined;
  callRecorded();
  return new InFlightAttempt(owned.owner, outgoing, call, signal, owned.inside);
}

/** The step that a request becomes an attempt of, and the context to send it in; `undefined` if it is not recorded. */
function ownerOf(
  { active, run, step, outside, capturing, takesAll }: Place,
  outgoing: OutgoingRequest,
  call: ModelCall | undefined,
  kind: RequestKind,
): ReturnType<Outside['ownerOf']> {
  const isCall = typeof kind === 'object' && (call !== undefined || run !== undefined);
  if (step && (isCall || takesAll)) return { owner: step, inside: active };
  if (!isCall) {
    if (run && outgoing.method === 'POST') unreadPost(active, kind === 'unread post' ? outgoing.url.host : undefined);
    return undefined;
  }
  const expecting = call && expectedCallsIn(active)?.ownerOf(outgoing, call);
  const owner = expecting ?? (run && ownerInRun(active, run, outgoing, kind));
  if (owner) return { owner, inside: active };
  return run || !call ? undefined : outside?.ownerOf(active, capturing, outgoing, call);
}

/** The step of a model call in a run and outside of any explicit step; `undefined` if the run has settled, or the sampler drops the step. */
function ownerInRun(
  active: Context,
  run: ActiveRun,
  outgoing: OutgoingRequest,
  call: ModelCall | UnreadCall,
): AttemptOwner | undefined {
  const { recording } = run;
  const owner =
    othersModelSpanIn(active, () => (recording.settled ? undefined : recording)) ??
    implicitStepFor(active, run, reuseOf(active), outgoing, call);
  if (!owner && recording.settled) noticeCallAfterRun(recording.isCutShort);
  return owner;
}

/** A call after its run is the developer's omission, unless a shutdown or a limit ended the run. */
function noticeCallAfterRun(isCutShort: boolean): void {
  if (isCutShort) report('a model call was made in a run that had been ended early; it is not recorded');
  else reportOmission('RUNTRACE_CALL_AFTER_RUN');
}
