/** Model calls outside of any run, for the recording fetch that replaces the global one. */
import { type Context, type Tracer, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { Outside } from '../fetch/request/place.js';
import { startClock } from '../otel/clock.js';
import type { ModelCall } from '../providers/detect.js';
import type { AttemptOwner, OutgoingRequest } from '../spans/attempts/http-exchange.js';
import type { BackgroundResponse } from '../spans/routing/background-response.js';
import { retried, startImplicitStep } from '../spans/routing/implicit-step.js';
import { isInOthersModelSpan, othersModelSpanIn } from '../spans/routing/others-model-span.js';
import type { RunPart, StepHome } from '../spans/run-part.js';
import type { Open, OpenRuns } from '../spans/settle/deadlines.js';
import { StepRecording } from '../spans/step.js';
import { report } from '../util/diagnostics.js';
import { environmentChoice } from '../util/omissions.js';
import { defaultParts } from './default-recorder.js';
import type { RecorderParts } from './recorder.js';
import { type RunOptions, runIdentity } from './run-options.js';

const RUN: RunOptions = { kind: 'model_call' };

let byDefault: CallsOutsideRuns | undefined;

function outsideCalls(): CallsOutsideRuns {
  byDefault ??= new CallsOutsideRuns(defaultParts());
  return byDefault;
}

/** The default recorder takes the model calls outside of any run. It is made at the first such call. */
export const callsOutsideRuns: Outside = {
  get isChosen() {
    return outsideCalls().isChosen;
  },
  capturingIn: (active) => outsideCalls().capturingIn(active),
  ownerOf: (...call) => outsideCalls().ownerOf(...call),
};

/**
 * In another instrumentation's model span, such calls are attempts on that span. Elsewhere each gets a run of its own if
 * `RUNTRACE_IMPLICIT_RUNS` is `true`, and is not recorded otherwise.
 */
class CallsOutsideRuns implements Outside {
  readonly #recorder: RecorderParts;
  readonly #choice = environmentChoice('RUNTRACE_IMPLICIT_RUNS', ['true', 'false'], 'false');
  readonly #implicitRuns = this.#choice === 'true';
  /** The runs made here that have not settled, by the URL and the length of the body, which a retry has in common. */
  readonly #runs = new Map<string, Set<ImplicitRun>>();

  constructor(recorder: RecorderParts) {
    this.#recorder = recorder;
  }

  get isChosen(): boolean {
    return this.#choice !== undefined;
  }

  capturingIn(active: Context): CaptureSettings | undefined {
    return this.#implicitRuns || isInOthersModelSpan(active) ? this.#recorder.capture.ask(runIdentity(RUN)) : undefined;
  }

  ownerOf(
    active: Context,
    capturing: CaptureSettings,
    outgoing: OutgoingRequest,
    call: ModelCall,
  ): { owner: AttemptOwner; inside: Context } | undefined {
    const { tracer, openRuns } = this.#recorder;
    const foreign = othersModelSpanIn(active, () => new NoRun(capturing, tracer(), openRuns));
    if (foreign) return { owner: foreign, inside: active };
    return this.#implicitRuns ? this.#implicitRun(active, outgoing, call) : undefined;
  }

  #implicitRun(active: Context, outgoing: OutgoingRequest, call: ModelCall): ImplicitRun | undefined {
    const key = `${outgoing.url.href} ${outgoing.body?.length}`;
    const runs = this.#runs.get(key) ?? new Set();
    // Not the span: Next.js wraps each fetch in a span of its own.
    const traceId = trace.getSpanContext(active)?.traceId;
    const candidates = [...runs].filter((run) => run.traceId === traceId);
    const step = retried(
      candidates.map(({ owner }) => owner),
      outgoing,
    );
    const known = candidates.find(({ owner }) => owner === step);
    if (known) return known;
    let begun: ImplicitRun | undefined;
    const { openRuns } = this.#recorder;
    const { handle, inside } = this.#recorder.begin(RUN, false, {
      add: (run) => openRuns.add(run),
      delete: (run) => {
        openRuns.delete(run);
        if (begun && runs.delete(begun) && runs.size === 0) this.#runs.delete(key);
      },
    });
    if (!handle) return undefined;
    const owner = startImplicitStep(inside, handle, call);
    if (owner.isRecording) {
      begun = { owner, traceId, inside };
      this.#runs.set(key, runs.add(begun));
    }
    handle.recording.closeAs(owner);
    return begun;
  }
}

interface ImplicitRun {
  readonly owner: StepRecording;
  /** The trace in which its first call was made. */
  readonly traceId: string | undefined;
  readonly inside: Context;
}

/** Stands in for the run of a step that is in none. The step settles by itself. */
class NoRun implements StepHome, Open {
  readonly id = undefined;
  readonly conversationId = undefined;
  readonly capturing: CaptureSettings;
  readonly tracer: Tracer;
  readonly now = startClock();
  readonly span = undefined;
  readonly isRunning = true;
  readonly hasFailed = false;
  newestCall: StepHome['newestCall'];
  readonly polls = new Map<string, BackgroundResponse>();
  readonly #openRuns: OpenRuns;
  #step: StepRecording | undefined;

  constructor(capturing: CaptureSettings, tracer: Tracer, openRuns: OpenRuns) {
    this.capturing = capturing;
    this.tracer = tracer;
    this.#openRuns = openRuns;
  }

  nextStepNumber(): number {
    return 1;
  }

  mayBeRetried(): void {}

  /** Only a step is held. Attempts on another instrumentation's open span are not. */
  add(part: RunPart): void {
    if (!(part instanceof StepRecording)) return;
    this.#step = part;
    this.#openRuns.add(this);
  }

  partChanged(): void {}

  partSettled(part: RunPart): void {
    if (part === this.#step) this.#openRuns.delete(this);
  }

  flush(): void {
    if (this.#step?.finished) this.#step.settle();
  }

  shutdown(): void {
    this.#step?.settle();
  }

  endEarly(why: string): void {
    report(why);
    this.shutdown();
  }
}
