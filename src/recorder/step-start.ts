import { type Attributes, type Context, context } from '@opentelemetry/api';
import type { ModelRequest } from '../otel/genai.js';
import { type ActiveRun, contextIn, reuseOf, withoutRun, withStep, withUnsampledRun } from '../spans/context.js';
import { checkContext } from '../spans/omissions/lost-context.js';
import { checkStepEnd } from '../spans/omissions/step-without-attempt.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import type { RunRecording } from '../spans/run.js';
import { StepRecording } from '../spans/step.js';
import { StepScope } from '../spans/step-scope.js';
import { report } from '../util/diagnostics.js';
import { checkObject, checkString, copyGiven, requireFunction, requireOptions } from '../util/validation.js';
import { type Step, StepHandle } from './step-handle.js';

/** Receives how a function ended. */
interface Scope {
  returned(value: unknown): void;
  threw(error: unknown): void;
}

/** Refers to a handle. A handle that is collected ends as dropped, so a function that still runs must refer to its own. */
function keepAlive(_held: unknown): void {}

/** Calls `fn` with `given`, which is not collected before its end, and passes that end to `scope`. */
export function settleWith<G, T>(fn: (given: G) => T | PromiseLike<T>, given: G, scope: Scope | undefined): Promise<T> {
  let result: Promise<T>;
  try {
    result = Promise.resolve(fn(given));
  } catch (error) {
    result = Promise.reject(error);
  }
  if (!scope) return result;
  return result.then(
    (value) => {
      tell(scope, 'returned', value);
      keepAlive(given);
      return value;
    },
    (error) => {
      tell(scope, 'threw', error);
      keepAlive(given);
      throw error;
    },
  );
}

function tell(scope: Scope, how: 'returned' | 'threw', what: unknown): void {
  try {
    scope[how](what);
  } catch (error) {
    report('the end of a scope could not be recorded', error);
  }
}

/** Runs `fn` as a step of `run`. `ctx`: where the step begins. Default: in the run's own context. */
export function stepIn<T>(
  run: ActiveRun | undefined,
  options: StepOptions,
  fn: (step: Step) => T | PromiseLike<T>,
  ctx?: Context,
): Promise<T> {
  checkStepOptions(options);
  requireFunction(fn, 'fn');
  const { scope, inside } = openScope(run, options, ctx && { ctx });
  const handle = new StepHandle(scope, run, false);
  const ending = scope && {
    returned(value: unknown) {
      scope.returned(value);
      checkStepEnd(scope);
    },
    threw: (error: unknown) => scope.threw(error),
  };
  return context.with(inside, () => settleWith(fn, handle, ending));
}

/** Starts a step of `run` that has no function. */
export function startStepIn(run: ActiveRun | undefined, options: StepOptions = {}): Step {
  checkStepOptions(options);
  return new StepHandle(openScope(run, options).scope, run, true);
}

/** How a scope is opened for a client that is recorded through its own hooks. */
interface ClientScope {
  /** Where it is opened. Default: in the active context. */
  ctx?: Context;
  /** Whether the HTTP exchange decides the outcome where it contradicts the client. */
  strict?: boolean;
  /** The step that the scope continues. */
  earlier?: StepRecording | undefined;
}

/** Opens the scope of a step, and makes the context for the code in it. There is no scope if the step is not recorded. */
export function openScope(
  run: ActiveRun | undefined,
  given: StepOptions,
  { ctx = run && contextIn(run), strict, earlier }: ClientScope = {},
): { scope?: StepScope; inside: Context } {
  if (!run || !ctx) {
    const inside = context.active();
    checkContext(inside);
    return { inside };
  }
  const { recording } = run;
  if (recording.settled) {
    report('a step was begun after its run had settled; it is not recorded');
    return { inside: ctx };
  }
  const options = ownOptions(given);
  let step: StepRecording;
  try {
    step =
      sharedStep(recording, options, ctx) ?? earlier ?? new StepRecording(recording, ctx, { implicit: false, options });
  } catch (error) {
    report('a step could not be recorded', error);
    return { inside: withoutRun(ctx) };
  }
  if (!step.isRecording) return { inside: withUnsampledRun(ctx, step.span) };
  const scope = new StepScope(step, options, strict);
  return { scope, inside: withStep(ctx, scope) };
}

/** The step that a reuse scope shares. */
function sharedStep(run: RunRecording, options: StepOptions, ctx: Context): StepRecording | undefined {
  const reuse = reuseOf(ctx);
  if (!reuse || reuse.isClosed) return undefined;
  return reuse.sharedStep(run, () => new StepRecording(run, ctx, { implicit: false, options }));
}

/** Copies the options: the application may change them later, as a list of messages that grows. */
function ownOptions(given: StepOptions): StepOptions {
  const options = { ...given };
  if (given.request) options.request = copyGiven(given.request) as ModelRequest;
  if (given.attributes) options.attributes = copyGiven(given.attributes) as Attributes;
  return options;
}

const STEP_OPTIONS = ['operation', 'provider', 'model', 'conversationId', 'userId', 'request', 'attributes'];

function checkStepOptions(options: unknown): void {
  const given = requireOptions(options, 'options', STEP_OPTIONS);
  const { operation, provider, model, conversationId, userId, request, attributes } = given;
  checkString(operation, 'options.operation');
  checkString(provider, 'options.provider');
  checkString(model, 'options.model');
  checkString(conversationId, 'options.conversationId');
  checkString(userId, 'options.userId');
  checkObject(request, 'options.request');
  checkObject(attributes, 'options.attributes');
}
