/** What rides in the OpenTelemetry context. */
import { type Context, context, createContextKey, type Span, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { ReuseScope } from './routing/reuse-scope.js';
import type { RunRecording } from './run.js';
import type { StepScope } from './step-scope.js';

const HERE = /* @__PURE__ */ createContextKey('runtrace');

/** A run, as the code inside of it finds it in the context. The object is the one that the application holds. */
export interface ActiveRun {
  readonly recording: RunRecording;
}

/** Where in an application's work some code runs. */
interface Here {
  readonly run?: ActiveRun | undefined;
  /** The explicit step around it. */
  readonly step?: StepScope | undefined;
  readonly reuse?: ReuseScope | undefined;
  /** The span of the tool call around it. */
  readonly tool?: Span | undefined;
  /** What may be kept here, where that is less than the run keeps. */
  readonly capturing?: CaptureSettings | undefined;
  /** Whether an attempt is already being recorded around it: one recording fetch around another records once. */
  readonly recorded?: boolean | undefined;
  /** Whether the run around it is one that isn't recorded. */
  readonly unrecorded?: boolean | undefined;
  /** Whether that is so because its trace isn't sampled. */
  readonly unsampled?: boolean | undefined;
}

const NOWHERE: Here = {};
const UNRECORDED: Here = { unrecorded: true };
const UNSAMPLED: Here = { unrecorded: true, unsampled: true };

/** More layers than this are made one. */
const MAX_DEPTH = 16;

/**
 * One value on top of a context. What the API makes of `setValue` is a copy of all values, and three functions; a step would pay
 * for two of them.
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

function here(ctx: Context): Here {
  return (ctx.getValue(HERE) as Here | undefined) ?? NOWHERE;
}

function inside(ctx: Context, here: Here): Context {
  return ctx instanceof Layer ? ctx.setValue(HERE, here) : new Layer(ctx, HERE, here);
}

export function runOf(ctx: Context): ActiveRun | undefined {
  return here(ctx).run;
}

export function stepOf(ctx: Context): StepScope | undefined {
  return here(ctx).step;
}

export function reuseOf(ctx: Context): ReuseScope | undefined {
  return here(ctx).reuse;
}

/** The span of the innermost tool call in this context. */
export function toolOf(ctx: Context): Span | undefined {
  return here(ctx).tool;
}

export function isRecorded(ctx: Context): boolean {
  return here(ctx).recorded === true;
}

/** Whether no run is around it, not even one that isn't recorded. */
export function isOutside(ctx: Context): boolean {
  const { run, unrecorded } = here(ctx);
  return run === undefined && unrecorded !== true;
}

/** Whether the trace of the run around it isn't sampled. Nor is what begins in it: half of a trace explains nothing. */
export function isUnsampled(ctx: Context): boolean {
  return here(ctx).unsampled === true;
}

/** Inside a run; no step of another run is visible there. */
export function withRun(ctx: Context, run: ActiveRun): Context {
  return trace.setSpan(inside(ctx, { run, reuse: here(ctx).reuse }), run.recording.span);
}

/** Inside a run that isn't recorded: nothing in it is recorded, and the run around it is hidden. */
export function withoutRun(ctx: Context): Context {
  return inside(ctx, UNRECORDED);
}

/** Inside a run that isn't sampled: likewise, and its span is active. */
export function withUnsampledRun(ctx: Context, span: Span): Context {
  return trace.setSpan(inside(ctx, UNSAMPLED), span);
}

/** Inside an explicit step. */
export function withStep(ctx: Context, step: StepScope): Context {
  const { run, reuse, tool, capturing } = here(ctx);
  return trace.setSpan(inside(ctx, { run, reuse, tool, step, capturing }), step.step.span);
}

/** Inside a tool call. Model calls made there do not belong to the step around the tool call. */
export function withTool(ctx: Context, tool: Span): Context {
  return trace.setSpan(inside(ctx, { run: here(ctx).run, tool }), tool);
}

/** Where a tool call can't be recorded: model calls made there do not belong to the step around it either. */
export function withoutStep(ctx: Context): Context {
  const { run, tool } = here(ctx);
  return inside(ctx, { run, tool });
}

export function withReuse(ctx: Context, reuse: ReuseScope): Context {
  return inside(ctx, { ...here(ctx), reuse });
}

/** Where less may be kept than the run keeps. */
export function withCapturing(ctx: Context, capturing: CaptureSettings): Context {
  return inside(ctx, { ...here(ctx), capturing });
}

/** What may be kept of what happens here, in a run that keeps `ofRun`. */
export function capturingIn(ctx: Context, ofRun: CaptureSettings): CaptureSettings {
  return here(ctx).capturing ?? ofRun;
}

export function withRecording(ctx: Context): Context {
  // Once a call, and a copy by `...` with another field takes forty times as long.
  const { run, step, reuse, tool, capturing, unrecorded, unsampled } = here(ctx);
  return inside(ctx, { run, step, reuse, tool, capturing, unrecorded, unsampled, recorded: true });
}

/** The active context, seen from `run`: where no context manager carries the run, its own span is put in. */
export function contextIn(run: ActiveRun, active: Context = context.active()): Context {
  return runOf(active) === run ? active : withRun(active, run);
}
