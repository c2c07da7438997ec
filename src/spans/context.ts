/** The run, the step and the settings that the OpenTelemetry context carries. */
import { type Context, context, createContextKey, type Link, type Span, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { ReuseScope } from './routing/reuse-scope.js';
import type { RunRecording } from './run.js';
import type { StepScope } from './step-scope.js';

const SCOPE = /* @__PURE__ */ createContextKey('runtrace');

/** The run of a context: the same object as the handle of the application. */
export interface ActiveRun {
  readonly recording: RunRecording;
}

/** The run around some code: `unsampled` if its trace is not sampled, `unrecorded` if it is not recorded for another reason. */
type EnclosingRun = ActiveRun | 'unrecorded' | 'unsampled';

/** The value in a context. */
interface Scope {
  readonly run?: EnclosingRun | undefined;
  /** The enclosing explicit step. */
  readonly step?: StepScope | undefined;
  readonly reuse?: ReuseScope | undefined;
  /** The span of the enclosing tool call. */
  readonly tool?: Span | undefined;
  /** The capture settings, where they record less than those of the run. */
  readonly capturing?: CaptureSettings | undefined;
  /** Whether a recording fetch makes the call: another one inside of it does not record it again. */
  readonly inFetch?: boolean | undefined;
}

const NO_SCOPE: Scope = {};
const UNRECORDED: Scope = { run: 'unrecorded' };
const UNSAMPLED: Scope = { run: 'unsampled' };

/** More layers than this are merged into one. */
const MAX_DEPTH = 16;

/**
 * One value on top of a context. The API's `setValue` copies all values and makes three functions, and a step would call it twice.
 */
class Layer implements Context {
  readonly #below: Context;
  readonly #key: symbol;
  readonly #value: unknown;
  readonly #depth: number;

  constructor(below: Context, key: symbol, value: unknown) {
    this.#below = below;
    this.#key = key;
    this.#value = value;
    this.#depth = below instanceof Layer ? below.#depth + 1 : 1;
  }

  getValue(key: symbol): unknown {
    return key === this.#key ? this.#value : this.#below.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    if (key === this.#key) return new Layer(this.#below, key, value);
    return this.#depth < MAX_DEPTH ? new Layer(this, key, value) : this.#flattened().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.setValue(key, undefined);
  }

  #flattened(): Context {
    const below = this.#below instanceof Layer ? this.#below.#flattened() : this.#below;
    return below.setValue(this.#key, this.#value);
  }
}

function scopeOf(ctx: Context): Scope {
  return (ctx.getValue(SCOPE) as Scope | undefined) ?? NO_SCOPE;
}

function withScope(ctx: Context, scope: Scope): Context {
  return ctx instanceof Layer ? ctx.setValue(SCOPE, scope) : new Layer(ctx, SCOPE, scope);
}

/** The run of a context, if it is recorded. */
export function runOf(ctx: Context): ActiveRun | undefined {
  const { run } = scopeOf(ctx);
  return typeof run === 'object' ? run : undefined;
}

export function stepOf(ctx: Context): StepScope | undefined {
  return scopeOf(ctx).step;
}

export function reuseOf(ctx: Context): ReuseScope | undefined {
  return scopeOf(ctx).reuse;
}

/** The span of the innermost tool call in this context. */
export function toolOf(ctx: Context): Span | undefined {
  return scopeOf(ctx).tool;
}

/** Whether a recording fetch makes the call that is made in this context. */
export function isInFetch(ctx: Context): boolean {
  return scopeOf(ctx).inFetch === true;
}

/** Whether there is no enclosing run, recorded or not. */
export function isOutside(ctx: Context): boolean {
  return scopeOf(ctx).run === undefined;
}

/** Whether the trace of the enclosing run is not sampled. Runs and steps that begin in it are not recorded either: half of a trace explains nothing. */
export function isUnsampled(ctx: Context): boolean {
  return scopeOf(ctx).run === 'unsampled';
}

/** The context of code in a run. It has no step of another run. */
export function withRun(ctx: Context, run: ActiveRun): Context {
  return trace.setSpan(withScope(ctx, { run, reuse: scopeOf(ctx).reuse }), run.recording.span);
}

/** The context of code in a run that is not recorded. It hides the enclosing run. */
export function withoutRun(ctx: Context): Context {
  return withScope(ctx, UNRECORDED);
}

/** The context of code in a run that is not sampled. The run's span is active. */
export function withUnsampledRun(ctx: Context, span: Span): Context {
  return trace.setSpan(withScope(ctx, UNSAMPLED), span);
}

/** The context of code in an explicit step. */
export function withStep(ctx: Context, step: StepScope): Context {
  const { run, reuse, tool, capturing } = scopeOf(ctx);
  return trace.setSpan(withScope(ctx, { run, reuse, tool, step, capturing }), step.step.span);
}

/** The context of code in a tool call. Its model calls do not belong to the step that encloses the tool call. */
export function withTool(ctx: Context, tool: Span): Context {
  const { run, capturing } = scopeOf(ctx);
  return trace.setSpan(withScope(ctx, { run, tool, capturing }), tool);
}

/** The context of code in a tool call that can't be recorded. Its model calls do not belong to the enclosing step either. */
export function withoutStep(ctx: Context): Context {
  const { run, tool, capturing } = scopeOf(ctx);
  return withScope(ctx, { run, tool, capturing });
}

export function withReuse(ctx: Context, reuse: ReuseScope): Context {
  return withScope(ctx, { ...scopeOf(ctx), reuse });
}

/** The context of code in which less is recorded than in the run. */
export function withCapturing(ctx: Context, capturing: CaptureSettings): Context {
  return withScope(ctx, { ...scopeOf(ctx), capturing });
}

/** The capture settings of a context, in a run with the settings `ofRun`. */
export function capturingIn(ctx: Context, ofRun: CaptureSettings): CaptureSettings {
  return scopeOf(ctx).capturing ?? ofRun;
}

/**
 * Where a part of the run with the span `run` begins: in the run's trace. A framework may have begun another one in it (Genkit 1: `isRoot` in
 * core/tracing/instrumentation.js), of which a link tells.
 */
export function inTraceOf(run: Span | undefined, ctx: Context): { parent: Context; links: Link[] } {
  const active = trace.getSpanContext(ctx);
  if (!run || active?.traceId === run.spanContext().traceId) return { parent: ctx, links: [] };
  return {
    parent: trace.setSpan(ctx, toolOf(ctx) ?? run),
    links: active && trace.isSpanContextValid(active) ? [{ context: active }] : [],
  };
}

/** The context in which a recording fetch makes a call. */
export function withFetch(ctx: Context): Context {
  // Called once per HTTP call; a copy with `...` and one more field takes forty times as long.
  const { run, step, reuse, tool, capturing } = scopeOf(ctx);
  return withScope(ctx, { run, step, reuse, tool, capturing, inFetch: true });
}

/** The active context if it is one of `run`; without a context manager, the active context with `run` added. */
export function contextIn(run: ActiveRun, active: Context = context.active()): Context {
  return runOf(active) === run ? active : withRun(active, run);
}
