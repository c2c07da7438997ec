import { type Context, context, INVALID_TRACEID, type Tracer, type TracerProvider } from '@opentelemetry/api';
import { type CaptureOptions, createCapture } from '../capture/levels.js';
import { type ActiveRun, reuseOf, runOf, withoutRun, withReuse, withRun, withUnsampledRun } from '../spans/context.js';
import { reuseOutOfContext, runOutOfContext } from '../spans/omissions/lost-context.js';
import { partWithoutRun, watchGlobalFetch } from '../spans/omissions/missed-calls.js';
import { checkProcessors } from '../spans/omissions/processor-check.js';
import { runWithoutProvider } from '../spans/omissions/provider-check.js';
import { checkFinish } from '../spans/outcome/finish-details.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import { ReuseScope } from '../spans/routing/reuse-scope.js';
import { RunRecording } from '../spans/run.js';
import { OpenRuns } from '../spans/settle/deadlines.js';
import { runTool, type ToolOptions } from '../spans/tool.js';
import { guarded } from '../util/diagnostics.js';
import { badOption, requireFunction, requireOptions } from '../util/validation.js';
import { globalTracer } from './fallback-provider.js';
import { type Run, RunHandle } from './run-handle.js';
import { checkRunOptions, checkStepNumber, type RunOptions, runIdentity } from './run-options.js';
import type { Step } from './step-handle.js';
import { settleWith, startStepIn, stepIn } from './step-start.js';

/** The options of a recorder. */
export interface RecorderOptions extends CaptureOptions {
  /** The provider of its spans. Default: the global one. */
  tracerProvider?: TracerProvider | undefined;
}

/** Records runs. The functions `run`, `step`… of the package are those of a recorder without options. */
export interface Recorder {
  /**
   * Runs `fn` as a run: a trace whose steps are the model calls made in it.
   *
   * Returns a promise of what `fn` returns, or rejects with the same error object. A stream or Response that `fn` returns keeps the run open
   * until it ends. Throws a `TypeError` at once for bad options or no function.
   *
   * @example
   * const title = await run({ kind: 'title_generation', conversationId: chat.id }, () => generateTitle(chat));
   */
  run<T>(options: RunOptions, fn: (run: Run) => T | PromiseLike<T>): Promise<T>;
  /**
   * Runs `fn` as one step of the run around it: every call that it makes through the recording fetch is an attempt of it.
   *
   * Returns a promise of what `fn` returns, or rejects with the same error object. A stream or Response that `fn` returns keeps the step open
   * until it ends. Outside of a run nothing is recorded. Throws a `TypeError` at once for bad options or no function.
   *
   * @example
   * const answer = await step({ model: 'gpt-5' }, () => openai.chat.completions.create({ model: 'gpt-5', messages }));
   */
  step<T>(options: StepOptions, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
  /**
   * Runs `fn` as a reuse scope: the model calls in it that belong to the same run id are one step, with one span and one attempt log.
   * For an application's own retry loop. A nested scope is a part of the outer one.
   *
   * Returns a promise as `step` does, and a returned stream keeps the scope open. Throws a `TypeError` at once for no function.
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
   * Runs `fn` as a tool call: an `execute_tool` span. What it returns is recorded where content is captured. The span is an error if `fn` throws,
   * or if what it returns says that the tool has failed (`isError` of MCP, `is_error` of Anthropic, the status `error` of Bedrock and LangChain).
   *
   * Returns a promise of what `fn` returns, or rejects with the same error object. Outside of a run nothing is recorded. Throws a `TypeError` at
   * once for bad options or no function.
   *
   * @example const forecast = await tool({ name: 'get_weather', callId: call.id }, () => getWeather(call.arguments));
   */
  tool<T>(options: ToolOptions, fn: () => T | PromiseLike<T>): Promise<T>;
  /**
   * As `run`, without a function, for code that can't be wrapped. The caller must call `finish` with a terminal status, on every
   * path; until then the run stays open (at most `limits.runMillis`). The run is not active in any code: use `run.step` and `run.startStep`.
   * `using run = startRun(…)` ends it as `interrupted` with its block, unless `finish` was called. Throws a `TypeError` for bad options.
   *
   * @example
   * const run = startRun({ kind: 'chat_turn' });
   * const answer = await run.step({ model: 'gpt-5' }, () => openai.chat.completions.create({ model: 'gpt-5', messages }));
   * run.finish('completed');
   */
  startRun(options: RunOptions): Run;
  /**
   * As `step`, without a function, for code that can't be wrapped. The caller must call `finish` with a terminal status, on every path,
   * and make its calls through `step.fetch`, because the step is not active in any code. Outside of a run nothing is recorded. Throws a
   * `TypeError` for bad options.
   *
   * @example
   * using step = startStep({ model: 'gpt-5' });
   * const response = await step.fetch(url, { method: 'POST', body });
   * step.finish('completed');
   */
  startStep(options?: StepOptions): Step;
  /** Whether it records anything: false if `capture` is `off`. */
  readonly enabled: boolean;
}

const OPTIONS = ['tracerProvider', 'capture', 'redact', 'limits'];

/**
 * Makes a recorder with options of its own. `recordingFetch` serves it too. Throws a `TypeError` for a bad option.
 *
 * @example
 * const { run } = createRecorder({ capture: ({ userId }) => (optedIn(userId) ? 'content' : 'metadata') });
 */
export function createRecorder(options: RecorderOptions = {}): Recorder {
  return openRecorder(options).recorder;
}

/** The parts of a recorder. */
export interface RecorderParts {
  readonly capture: ReturnType<typeof createCapture>;
  readonly openRuns: OpenRuns;
  tracer(): Tracer;
  /** Begins a run, with the context for its function; `closes`: its first terminal `finish` closes it. */
  begin(
    options: RunOptions,
    closes: boolean,
    open?: Pick<OpenRuns, 'add' | 'delete'>,
  ): { run: Run; handle: RunHandle | undefined; inside: Context };
}

export function openRecorder(options: RecorderOptions): { recorder: Recorder; parts: RecorderParts } {
  requireOptions(options, 'options', OPTIONS);
  const { tracerProvider } = options;
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function') {
    throw badOption('tracerProvider', 'a TracerProvider', tracerProvider);
  }
  const capture = createCapture(options);
  const openRuns = new OpenRuns(capture.limits.openRuns, capture.limits.runMillis);
  let itsTracer: Tracer | undefined;
  const tracer = (): Tracer => {
    // The global provider may be replaced before the next run.
    if (!tracerProvider) return globalTracer();
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
      guarded('a run could not be recorded', () => {
        const { trace, attributes } = options;
        return new RunRecording({
          identity,
          trace,
          attributes,
          capturing,
          tracer: tracer(),
          openRuns: open,
          ctx: active,
        });
      });
    if (!recording) {
      return { run: unrecordedRun(identity.id, INVALID_TRACEID), handle: undefined, inside: withoutRun(active) };
    }
    if (!recording.isRecording) {
      if (!tracerProvider && recording.traceId === INVALID_TRACEID) runWithoutProvider();
      const inside = withUnsampledRun(active, recording.span);
      return { run: unrecordedRun(identity.id, recording.traceId), handle: undefined, inside };
    }
    checkProcessors(recording.span);
    watchGlobalFetch();
    const handle = new RunHandle(recording, closes);
    return { run: handle, handle, inside: withRun(active, handle) };
  };

  const runAround = (active: Context): ActiveRun | undefined => {
    const run = runOf(active);
    if (!run && capture.enabled) partWithoutRun(active);
    return run;
  };

  const recorder: Recorder = {
    run(options, fn) {
      requireFunction(fn, 'fn');
      const { run, handle, inside } = begin(options, false);
      return context.with(inside, () => {
        if (handle && runOf(context.active()) !== handle) runOutOfContext(handle.recording);
        return settleWith(fn, run, handle?.recording);
      });
    },
    step(options, fn) {
      const active = context.active();
      return stepIn(runAround(active), options, fn, active);
    },
    reuseStep(fn) {
      requireFunction(fn, 'fn');
      const call = () => fn();
      const active = context.active();
      const outer = reuseOf(active);
      if (outer && !outer.isClosed) return settleWith(call, undefined, undefined);
      const scope = new ReuseScope();
      return context.with(withReuse(active, scope), () => {
        if (reuseOf(context.active()) === scope) return settleWith(call, undefined, scope);
        return settleWith(call, undefined, scope).finally(reuseOutOfContext());
      });
    },
    tool(options, fn) {
      const active = context.active();
      return runTool(runAround(active), options, fn, active);
    },
    startRun(options) {
      const { run, handle } = begin(options, true);
      if (handle && !runOf(context.active())) runOutOfContext(handle.recording);
      return run;
    },
    startStep: (options) => startStepIn(runAround(context.active()), options),
    enabled: capture.enabled,
  };
  return { recorder, parts: { capture, openRuns, tracer, begin } };
}

/** A run that is not recorded. */
function unrecordedRun(id: string, traceId: string): Run {
  return {
    id,
    traceId,
    finish: checkFinish,
    step: (options, fn) => context.with(withoutRun(context.active()), () => stepIn(undefined, options, fn)),
    startStep: (options) => startStepIn(undefined, options),
    resumeAfterStep: checkStepNumber,
    [Symbol.dispose]() {},
    async [Symbol.asyncDispose]() {},
  };
}
