/** Finds the run and the step that a request belongs to, and whether it may have to be recorded. */
import { type Context, context } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import type { ModelCall } from '../../providers/detect.js';
import type { AttemptOwner, OutgoingRequest } from '../../spans/attempts/http-exchange.js';
import { type ActiveRun, capturingIn, isInFetch, isOutside, runOf, stepOf } from '../../spans/context.js';
import { modelCallWithoutRun, unreadPost } from '../../spans/omissions/missed-calls.js';
import { polledBy } from '../../spans/routing/background-response.js';
import { expectedCallsIn } from '../../spans/routing/expected-calls.js';
import type { StepScope } from '../../spans/step-scope.js';
import { report } from '../../util/diagnostics.js';
import { isReported } from '../../util/omissions.js';
import { isSending } from '../in-flight-attempt.js';
import { readOutgoing, targetOf } from './request.js';
import { kindByUrl, kindOf } from './request-kind.js';

type Fetch = typeof globalThis.fetch;

/** Takes the model calls that are in no run. */
export interface Outside {
  /** Whether the developer has said what becomes of such calls. */
  readonly isChosen: boolean;
  /** What is captured of a model call in this context; `undefined` if no call is taken here. */
  capturingIn(active: Context): CaptureSettings | undefined;
  /** The owner of the call's attempt, and the context to make the call in. */
  ownerOf(
    active: Context,
    capturing: CaptureSettings,
    outgoing: OutgoingRequest,
    call: ModelCall,
  ): { owner: AttemptOwner; inside: Context } | undefined;
}

/** What one recording fetch is for. */
export interface Purpose {
  /** The explicit step that its calls belong to. Default: the one in the context. */
  readonly scope?: StepScope | undefined;
  readonly outside?: Outside | undefined;
  readonly everyPost?: boolean;
}

/** Where a request belongs that may have to be recorded. */
export interface Place {
  readonly active: Context;
  readonly run: ActiveRun | undefined;
  /** The explicit step around it. */
  readonly step: StepScope | undefined;
  readonly outside: Outside | undefined;
  readonly capturing: CaptureSettings;
  readonly target: ReturnType<typeof targetOf>;
  /** The background response that the request polls. */
  readonly polled: ReturnType<typeof polledBy>;
  /** Whether every request is an attempt of the step, not only model calls. */
  readonly takesAll: boolean;
  /** Whether every POST in a run is a step. */
  readonly everyPost: boolean;
}

/** `undefined` if the request is certainly not to be recorded. */
export function findPlace(purpose: Purpose, [input, init]: Parameters<Fetch>): Place | undefined {
  const { scope, outside, everyPost = false } = purpose;
  const active = context.active();
  if (isSending() || isInFetch(active)) return undefined;
  const enclosing = scope ?? stepOf(active);
  const step = enclosing?.step.settled ? undefined : enclosing;
  const run = runOf(active);
  const capturing =
    (step ?? expectedCallsIn(active))?.capturing ??
    (run && capturingIn(active, run.recording.capturing)) ??
    (isOutside(active) ? outside?.capturingIn(active) : undefined);
  if (!capturing) {
    if (enclosing) report('a call was made after its step had settled; it is not recorded');
    else if (!outside?.isChosen && isOutside(active)) noticeCallWithoutRun(active, input, init, purpose);
    return undefined;
  }
  // A client that was given this fetch, or a step's own fetch, makes only calls that belong to the step. The global fetch is used for
  // everything.
  const takesAll = step !== undefined && outside === undefined;
  const target = targetOf(input, init);
  const polled = run && polledBy(target.method, target.url, run.recording.polls);
  const kind = kindByUrl(target, purpose);
  const mayBeCall = kind === 'model call' || (run && kind === 'unread');
  if (!polled && !takesAll && !mayBeCall) return undefined;
  return { active, run, step, outside, capturing, target, polled, takesAll, everyPost };
}

/** How many calls outside of runs are looked at: a developer who has forgotten the run sees it at the first calls. */
const LOOKED_AT = 1000;

let callsLookedAt = 0;

/** Notes a call outside of a run that would have been a step in one, and reports the first. */
function noticeCallWithoutRun(
  active: Context,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  purpose: Purpose,
): void {
  if (callsLookedAt >= LOOKED_AT || isReported('RUNTRACE_NO_RUN')) return;
  callsLookedAt++;
  const target = targetOf(input, init);
  if (kindByUrl(target, purpose) === 'other') return;
  const kind = kindOf(readOutgoing(target, input, init, undefined, false), purpose);
  if (typeof kind === 'object') modelCallWithoutRun();
  else unreadPost(active, kind === 'unread post' ? target.url.host : undefined);
}
