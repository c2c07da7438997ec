/** Which runs an application sent, which of them the second tier should keep, and what has arrived of each. */
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import * as names from '../../../src/otel/names.js';
import type { ReceivedSpan } from '../../support/otlp-receiver.js';

/** A run that an application sent. */
export interface SentRun {
  traceId: string;
  spanIds: string[];
  /** Whether the policies of examples/collector/tier-2.yaml keep it, apart from the share of the rest. */
  worthALook: boolean;
  /** When its root span ended, in milliseconds since the epoch. */
  endedAt: number;
  /** How many of the spans are runs and steps. */
  countedSpans: number;
  /** The sums over its steps. */
  attempts: number;
  steps: number;
  inputTokens: number;
  outputTokens: number;
}

/** What has arrived of runs. */
export interface Arrival {
  complete: SentRun[];
  inPart: SentRun[];
  missing: SentRun[];
  /** Spans that arrived more often than once. */
  duplicates: number;
}

type EndedSpan = Parameters<SpanProcessor['onEnd']>[0];

/** Collects the spans that end, by run. List it last. */
export class RunCollector implements SpanProcessor {
  readonly #traces = new Map<string, EndedSpan[]>();

  onStart(): void {}

  onEnd(span: EndedSpan): void {
    const { traceId } = span.spanContext();
    const spans = this.#traces.get(traceId);
    if (spans) spans.push(span);
    else this.#traces.set(traceId, [span]);
  }

  /** To be called after the shutdown. */
  runs(slowMillis: number): SentRun[] {
    return [...this.#traces].map(([traceId, spans]) => describe(traceId, spans, slowMillis));
  }

  /** Every span, in the order in which they ended. */
  spans(): EndedSpan[] {
    return [...this.#traces.values()].flat();
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

function describe(traceId: string, spans: readonly EndedSpan[], slowMillis: number): SentRun {
  const starts = spans.map(({ startTime }) => millis(startTime));
  const ends = spans.map(({ endTime }) => millis(endTime));
  const sum = (name: string) => spans.reduce((total, { attributes }) => total + Number(attributes[name] ?? 0), 0);
  const statuses = spans.map(({ attributes }) => attributes[names.STATUS]);
  return {
    traceId,
    spanIds: spans.map((span) => span.spanContext().spanId),
    worthALook:
      statuses.includes('error') ||
      statuses.includes('interrupted') ||
      sum(names.STEP_FAILED_ATTEMPT_COUNT) > 0 ||
      Math.floor(Math.max(...ends) - Math.min(...starts)) > slowMillis,
    countedSpans: statuses.filter((status) => status !== undefined).length,
    endedAt: Math.max(...ends),
    attempts: sum(names.STEP_ATTEMPT_COUNT),
    steps: spans.filter(({ attributes }) => attributes[names.STEP_NUMBER] !== undefined).length,
    inputTokens: sum(names.GEN_AI_USAGE_INPUT_TOKENS),
    outputTokens: sum(names.GEN_AI_USAGE_OUTPUT_TOKENS),
  };
}

/** Compares what was sent with the spans that arrived, among those of other runs. */
export function arrivalOf(runs: readonly SentRun[], arrived: readonly ReceivedSpan[]): Arrival {
  const sent = new Set(runs.map(({ traceId }) => traceId));
  const ids = new Set<string>();
  let duplicates = 0;
  for (const { traceId, spanId } of arrived) {
    if (!sent.has(traceId)) continue;
    const id = `${traceId} ${spanId}`;
    if (ids.has(id)) duplicates++;
    ids.add(id);
  }
  const arrival: Arrival = { complete: [], inPart: [], missing: [], duplicates };
  for (const run of runs) {
    const count = run.spanIds.filter((spanId) => ids.has(`${run.traceId} ${spanId}`)).length;
    if (count === run.spanIds.length) arrival.complete.push(run);
    else if (count > 0) arrival.inPart.push(run);
    else arrival.missing.push(run);
  }
  return arrival;
}

function millis([seconds, nanos]: EndedSpan['endTime']): number {
  return seconds * 1000 + nanos / 1e6;
}
