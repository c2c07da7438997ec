/** The same with us: every way in a run of its own, and what was exported of it. */

import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, recordingFetch, StatusPrioritySpanProcessor } from 'runtrace';
import type { Provider } from '../../../examples/demo/provider.js';
import type { ClientMaker } from '../../support/clients.js';
import { until } from '../../support/until.js';
import { play, type Seen } from './play.js';
import type { Way } from './ways.js';

/** An exported span, as JSON. */
export interface Exported {
  name: string;
  scope: string;
  statusCode: number;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  /** In milliseconds. */
  duration: number;
}

export interface Recorded extends Seen {
  /** Everything in the run, itself included. */
  spans: Exported[];
}

/** How a call gets to be recorded: which `fetch` the client has, and whether there is an explicit step. */
export interface WayIn {
  /** The recording fetch as the client's option; else it is in the place of the global one. */
  option: boolean;
  explicit: boolean;
}

/** Calls of a run that is over are not waited for longer than this. */
const SETTLE_MILLIS = 100;

export interface Recording {
  /** Plays one way, in a run of its own. */
  play(way: Way, model: string, maker: ClientMaker, wayIn: WayIn): Promise<Recorded>;
  /** Plays many at once, in one run. */
  playTogether(calls: readonly { way: Way; model: string }[], maker: ClientMaker, wayIn: WayIn): Promise<Recorded[]>;
}

/** Sets OpenTelemetry up for this process. */
export function startRecording(provider: Provider): Recording {
  const spansOf = new Map<string, Exported[]>();
  const exporter: SpanExporter = {
    export(spans, done) {
      for (const span of spans) {
        const runId = String(span.attributes['runtrace.run.id']);
        spansOf.set(runId, [...(spansOf.get(runId) ?? []), view(span)]);
      }
      done({ code: 0 });
    },
    async shutdown() {},
  };
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)],
    generalLimits: { attributeCountLimit: 1000 },
  });
  // Anthropic's client traces its calls through the global provider.
  trace.setGlobalTracerProvider(tracerProvider);
  const limits = { idleMillis: SETTLE_MILLIS, pausedMillis: SETTLE_MILLIS };
  // With and without content: prompts and completions must be there, or must not.
  const recorders = {
    implicit: createRecorder({ capture: 'content', limits }),
    explicit: createRecorder({ capture: 'metadata', limits }),
  };

  function stageFor(maker: ClientMaker, { option, explicit }: WayIn) {
    const recorder = explicit ? recorders.explicit : recorders.implicit;
    return {
      recorder,
      provider,
      maker,
      fetch: option ? recordingFetch : undefined,
      step: <T>(model: string, fn: () => Promise<T>) => (explicit ? recorder.step({ model }, fn) : fn()),
      reuse: recorder.reuseStep,
    };
  }

  /** Everything that was exported of a run. */
  async function exported(id: string): Promise<Exported[]> {
    await until(() => spansOf.get(id)?.some(({ attributes }) => 'runtrace.run.kind' in attributes) ?? false);
    const spans = spansOf.get(id) ?? [];
    spansOf.delete(id);
    return spans;
  }

  return {
    async play(way, model, maker, wayIn) {
      const stage = stageFor(maker, wayIn);
      const id = crypto.randomUUID();
      const performed = await play(way, model, stage, (fn) => stage.recorder.run({ kind: 'one', id }, fn));
      const seen = await performed.seen();
      return { ...seen, spans: await exported(id) };
    },
    async playTogether(calls, maker, wayIn) {
      const stage = stageFor(maker, wayIn);
      const id = crypto.randomUUID();
      const performed = await stage.recorder.run({ kind: 'many', id }, () =>
        Promise.all(calls.map(({ way, model }) => play(way, model, stage))),
      );
      const seen = await Promise.all(performed.map((call) => call.seen()));
      const spans = await exported(id);
      return calls.map(({ model }, index) => ({
        ...(seen[index] as Seen),
        spans: spans.filter(
          ({ attributes }) =>
            'runtrace.run.kind' in attributes || String(attributes['gen_ai.request.model']).startsWith(model),
        ),
      }));
    },
  };
}

function view({ name, instrumentationScope, status, attributes, events, duration }: ReadableSpan): Exported {
  return {
    name,
    scope: instrumentationScope.name,
    statusCode: status.code,
    attributes,
    events: events.map((event) => ({ name: event.name, attributes: event.attributes ?? {} })),
    duration: duration[0] * 1000 + duration[1] / 1e6,
  };
}
