/** run(), step(), reuseStep(), tool(): who begins and ends what. */
import {
  type Attributes,
  type Context,
  context,
  INVALID_TRACEID,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { ModelRequest } from '../capture/genai-writer.js';
import { type CaptureOptions, createCapture } from '../capture/levels.js';
import { fetchOf } from '../fetch/recording-fetch.js';
import {
  contextIn,
  reuseOf,
  runOf,
  withoutRun,
  withReuse,
  withRun,
  withStep,
  withUnsampledRun,
} from '../spans/context.js';
import { OpenRuns } from '../spans/deadlines.js';
import { checkFinish } from '../spans/outcome/proposals.js';
import {
  checkRunOptions,
  checkStepNumber,
  type Run,
  RunHandle,
  type RunOptions,
  RunRecording,
  runIdentity,
  type StepStarter,
} from '../spans/run.js';
import { type Step, type StepOptions, StepRecording } from '../spans/step.js';
import { ReuseScope, StepHandle, StepScope } from '../spans/step-scope.js';
import { runTool, type ToolOptions } from '../spans/tool.js';
import { guarded, report } from '../util/diagnostics.js';
import {
  badOption,
  checkFields,
  checkObject,
  checkString,
  copyGiven,
  requireFunction,
  requireObject,
} from '../util/validation.js';

/** The options of a recorder. */
export interface RecorderOptions extends CaptureOptions {
  /** Where its spans are made. Default: the global provider. */
  tracerProvider?: TracerProvider;
}

/** What application code talks to. */
export interface Recorder {
  /**
   * Runs `fn` as a run: a trace whose steps are the model calls made in it.
   *
   * Returns a promise of what `fn` returns, or its very error. A stream or Response that `fn` returns keeps the run going until it ends.
   * Throws a `TypeError` at once for bad options or no function.
   *
   * @example
   * const title = await run({ kind: 'title_generation', conversationId: chat.id }, () => generateTitle(chat));
   */
  run<T>(options: RunOptions, fn: (run: Run) => T | PromiseLike<T>): Promise<T>;
  /**
   * Runs `fn` as one step of the run around it: every call that it makes through the recording fetch is an attempt of it.
   *
   * Returns a promise of what `fn` returns, or its very error. A stream or Response that `fn` returns keeps the step open until it ends.
   * Outside of a run nothing is recorded. Throws a `TypeError` at once for bad options or no function.
   *
   * @example
   * const answer = await step({ model: 'gpt-5' }, () => openai.chat.completions.create({ model: 'gpt-5', messages }));
   */
  step<T>(options: StepOptions, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
  /**
   * Runs `fn` as a reuse scope: the model calls in it that belong to the same run id are one step, with one span and one attempt log.
   * For an application's own retry loop. Nested scopes share the outer one.
   *
   * @example
   * await reuseStep(async () => {
   *   for (const model of ['gpt-5', 'gpt-5-mini']) {
   *     try { return await ask(model); } catch (error) { lastError = error; }
   *   }
   *   throw lastError;
   * });
   */
  reuseStep<T>(fn: () => T | PromiseLike<T>): Promise<T>;
  /**
   * Runs `fn` as a tool call: an `execute_tool` span. What it returns is recorded where content is captured.
   *
   * @example const forecast = await tool({ name: 'get_weather', callId: call.id }, () => getWeather(call.arguments));
   */
  tool<T>(options: ToolOptions, fn: () => T | PromiseLike<T>): Promise<T>;
  /**
   * As `run`, without a function, for code that can't be wrapped. The caller owes a call of `finish` with a terminal status, on every
   * path; until then the run stays open (at most `limits.runMillis`). Nothing is active meanwhile: use `run.step` and `run.startStep`.
   * `using run = startRun(…)` ends it as `interrupted` with its block, unless `finish` was called.
   *
   * @example
   * const run = startRun({ kind: 'chat_turn' });
   * socket.on('close', () => run.finish('interrupted'));
   */
  startRun(options: RunOptions): Run;
  /**
   * As `step`, without a function, for code that can't be wrapped. The caller owes a call of `finish` with a terminal status, on every path,
   * and makes its calls through `step.fetch`, because nothing is active.
   */
  startStep(options?: StepOptions): Step;
  /** Whether it records anything: not so where `capture` is `off`. */
  readonly enabled: boolean;
}

const OPTIONS = ['tracerProvider', 'capture', 'redact', 'limits'];

/**
 * Makes a recorder of its own. Throws a `TypeError` for a bad option.
 *
 * @example
 * const { run } = createRecorder({ capture: ({ userId }) => (optedIn(userId) ? 'content' : 'metadata') });
 */
export function createRecorder(options: RecorderOptions = {}): Recorder {
  return openRecorder(options).recorder;
}

/** What a recorder is made of. */
export interface RecorderParts {
  readonly capture: ReturnType<typeof createCapture>;
  readonly openRuns: OpenRuns;
  tracer(): Tracer;
  /** Begins a run, with the context for what is inside of it; `closes`: its first terminal `finish` says that it is over. */
  begin(
    options: RunOptions,
    closes: boolean,
    open?: Pick<OpenRuns, 'add' | 'delete'>,
  ): { run: Run; handle: RunHandle | undefined; inside: Context };
}

function openRecorder(options: RecorderOptions): { recorder: Recorder; parts: RecorderParts } {
  checkFields(requireObject(options, 'options'), 'options', OPTIONS);
  const { tracerProvider } = options;
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function') {
    throw badOption('tracerProvider', 'a TracerProvider', tracerProvider);
  }
  const capture = createCapture(options);
  const openRuns = new OpenRuns(capture.limits.openRuns, capture.limits.runMillis);
  let itsTracer: Tracer | undefined;
  const tracer = (): Tracer => {
    // The global provider may be another one by the next run.
    if (!tracerProvider) return trace.getTracer('runtrace');
    itsTracer ??= tracerProvider.getTracer('runtrace');
    return itsTracer;
  };

  const begin: RecorderParts['begin'] = (options, closes, open = openRuns) => {
    checkRunOptions(options);
    const active = context.active();
    const identity = runIdentity(options);
    const capturing = capture.ask(identity);
    const recording =
      capturing &&
      guarded(
        'a run could not be recorded',
        () => new RunRecording(identity, options, capturing, tracer(), open, active),
      );
    if (!recording) {
      return { run: unrecordedRun(identity.id, INVALID_TRACEID), handle: undefined, inside: withoutRun(active) };
    }
    if (!recording.isRecording) {
      const inside = withUnsampledRun(active, recording.span);
      return { run: unrecordedRun(identity.id, recording.traceId), handle: undefined, inside };
    }
    const handle = new RunHandle(recording, steps, closes);
    return { run: handle, handle, inside: withRun(active, handle) };
  };

  const recorder: Recorder = {
    run(options, fn) {
      requireFunction(fn, 'fn');
      const { run, handle, inside } = begin(options, false);
      return context.with(inside, () => {
        if (handle) checkContextManager(handle);
        return settleWith(() => fn(run), handle?.recording, handle);
      });
    },
    step(options, fn) {
      const active = context.active();
      return stepIn(active, runOf(active), options, fn);
    },
    reuseStep(fn) {
      requireFunction(fn, 'fn');
      const active = context.active();
      const outer = reuseOf(active);
      if (outer && !outer.over) return settleWith(fn, undefined, undefined);
      const scope = new ReuseScope();
      return context.with(withReuse(active, scope), () => settleWith(fn, scope, undefined));
    },
    tool(options, fn) {
      return runTool(options, fn);
    },
    startRun: (options) => begin(options, true).run,
    startStep: (options) => steps.startStep(runOf(context.active()), options),
    enabled: capture.enabled,
  };
  return { recorder, parts: { capture, openRuns, tracer, begin } };
}

/** Who is told how a function ended. */
interface Scope {
  returned(value: unknown): void;
  threw(error: unknown): void;
}

/** A handle that nobody holds is taken for dropped, so whoever still runs inside of one holds it. */
function keepAlive(_held: unknown): void {}

const NOT_RECORDED = 'the end of a scope could not be recorded';

/** Calls `fn` and tells `scope` how it ended; until then `held` is not collected. */
function settleWith<T>(fn: () => T | PromiseLike<T>, scope: Scope | undefined, held: unknown): Promise<T> {
  let result: Promise<T>;
  try {
    result = Promise.resolve(fn());
  } catch (error) {
    result = Promise.reject(error);
  }
  if (!scope) return result;
  return result.then(
    (value) => {
      guarded(NOT_RECORDED, () => scope.returned(value));
      keepAlive(held);
      return value;
    },
    (error) => {
      guarded(NOT_RECORDED, () => scope.threw(error));
      keepAlive(held);
      throw error;
    },
  );
}

const steps: StepStarter = {
  step: (run, options, fn) => stepIn(run && contextIn(run), run, options, fn),
  startStep(run, options = {}) {
    checkStepOptions(options);
    return new StepHandle(openScope(run, options).scope, run, fetchOf, true);
  },
};

function stepIn<T>(
  ctx: Context | undefined,
  run: RunHandle | undefined,
  options: StepOptions,
  fn: (step: Step) => T | PromiseLike<T>,
): Promise<T> {
  checkStepOptions(options);
  requireFunction(fn, 'fn');
  const { scope, inside } = openScope(run, options, ctx && { ctx });
  const handle = new StepHandle(scope, run, fetchOf, false);
  return context.with(inside, () => {
    if (scope && run) checkContextManager(run);
    return settleWith(() => fn(handle), scope, handle);
  });
}

/** How a scope is opened for a client that is recorded through its own hooks. */
interface ClientScope {
  /** Where it is opened. Default: in the active context. */
  ctx?: Context;
  /** The wire is believed where it knows better than the client. */
  strict?: boolean;
  /** The step that it goes on with. */
  earlier?: StepRecording | undefined;
}

/** The scope of a step, with the context for what is inside of it. No scope if nothing of it is recorded. */
export function openScope(
  run: RunHandle | undefined,
  given: StepOptions,
  { ctx = run && contextIn(run), strict, earlier }: ClientScope = {},
): { scope?: StepScope; inside: Context } {
  if (!run || !ctx) return { inside: context.active() };
  const { recording } = run;
  if (recording.settled) {
    report('a step was begun after its run had settled; it is not recorded');
    return { inside: ctx };
  }
  const options = ownOptions(given);
  const reuse = reuseOf(ctx);
  const start = () => new StepRecording(recording, options, ctx, false);
  const step = guarded('a step could not be recorded', () =>
    reuse && !reuse.over ? reuse.sharedStep(recording, start) : (earlier ?? start()),
  );
  if (!step) return { inside: withoutRun(ctx) };
  if (!step.isRecording) return { inside: withUnsampledRun(ctx, step.span) };
  const scope = new StepScope(step, options, strict);
  return { scope, inside: withStep(ctx, scope) };
}

/** The application may go on using what it gave: a list of messages grows. */
function ownOptions(given: StepOptions): StepOptions {
  const options = { ...given };
  if (given.request) options.request = copyGiven(given.request) as ModelRequest;
  if (given.attributes) options.attributes = copyGiven(given.attributes) as Attributes;
  return options;
}

const STEP_OPTIONS = ['operation', 'provider', 'model', 'conversationId', 'userId', 'request', 'attributes'];

function checkStepOptions(options: unknown): void {
  checkFields(requireObject(options, 'options'), 'options', STEP_OPTIONS);
  const { operation, provider, model, conversationId, userId, request, attributes } = requireObject(options, 'options');
  checkString(operation, 'options.operation');
  checkString(provider, 'options.provider');
  checkString(model, 'options.model');
  checkString(conversationId, 'options.conversationId');
  checkString(userId, 'options.userId');
  checkObject(request, 'options.request');
  checkObject(attributes, 'options.attributes');
}

/** A run of which nothing is recorded. */
function unrecordedRun(id: string, traceId: string): Run {
  return {
    id,
    traceId,
    finish: checkFinish,
    step: (options, fn) => context.with(withoutRun(context.active()), () => steps.step(undefined, options, fn)),
    startStep: (options) => steps.startStep(undefined, options),
    resumeAfterStep: checkStepNumber,
    [Symbol.dispose]() {},
    async [Symbol.asyncDispose]() {},
  };
}

let checkedContextManager = false;

/** Called where `run` should be around. Once: it is there for good, or missing. */
function checkContextManager(run: RunHandle): void {
  if (checkedContextManager) return;
  checkedContextManager = true;
  if (runOf(context.active()) === run) return;
  report(
    'no context manager is registered, so only run.step() and step.fetch know their run; register one ' +
      '(NodeSDK and NodeTracerProvider do; else context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))',
  );
}

let openedByDefault: ReturnType<typeof openRecorder> | undefined;

function byDefault(): ReturnType<typeof openRecorder> {
  openedByDefault ??= openRecorder({});
  return openedByDefault;
}

/** The recorder that the functions of this module are those of. */
export function defaultRecorder(): Recorder {
  return byDefault().recorder;
}

/** What it is made of. */
export function defaultParts(): RecorderParts {
  return byDefault().parts;
}

/** {@inheritDoc Recorder.run} */
export const run: Recorder['run'] = (options, fn) => defaultRecorder().run(options, fn);
/** {@inheritDoc Recorder.step} */
export const step: Recorder['step'] = (options, fn) => defaultRecorder().step(options, fn);
/** {@inheritDoc Recorder.reuseStep} */
export const reuseStep: Recorder['reuseStep'] = (fn) => defaultRecorder().reuseStep(fn);
/** {@inheritDoc Recorder.tool} */
export const tool: Recorder['tool'] = (options, fn) => defaultRecorder().tool(options, fn);
/** {@inheritDoc Recorder.startRun} */
export const startRun: Recorder['startRun'] = (options) => defaultRecorder().startRun(options);
/** {@inheritDoc Recorder.startStep} */
export const startStep: Recorder['startStep'] = (options) => defaultRecorder().startStep(options);
