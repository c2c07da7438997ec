/**
 * What the viewer's server tells its page, as JSON. Types only: the server fills them from OTLP and from the live channel, the page shows
 * them.
 *
 * | request | answer |
 * |---|---|
 * | `GET /api/runs` | `RunList` |
 * | `GET /api/runs/:traceId` | `RunDetail`; 404 if the run has left memory |
 * | `GET /api/runs/:traceId/otlp` | the trace as one OTLP/JSON export request; 404 likewise |
 * | `GET /api/events` | server-sent events: `hello` (`Hello`), `run` (`RunRow`), `gone` (`Gone`) |
 *
 * Times are milliseconds since the epoch with a fraction, durations are milliseconds. A field is absent where nothing is known.
 */
import type { Usage } from '../otel/genai.js';

export type { Usage };

/** `unknown`: an OpenTelemetry span without a status of runtrace or of its own, or a run whose own span is missing. */
export type ShownStatus = 'in_progress' | 'interrupted' | 'error' | 'completed' | 'unknown';

/** The first event of a connection. */
export interface Hello {
  /** The version of runtrace. */
  readonly version: string;
  readonly startedAt: number;
  /** Where Jaeger's page is, without a slash at the end: `http://localhost:16686`. */
  readonly jaegerUrl?: string;
  readonly prices?: Prices;
  /** Whether the runs were read from files: nothing will be added. */
  readonly files: boolean;
}

/** US dollars per million tokens, by model. */
export type Prices = Readonly<Record<string, Price>>;

export interface Price {
  readonly input: number;
  readonly output: number;
  /** Like `input` if absent. */
  readonly cacheRead?: number;
  /** Like `input` if absent. */
  readonly cacheWrite?: number;
}

/** Runs that have left memory. */
export interface Gone {
  readonly traceIds: readonly string[];
}

export interface RunList {
  /** Newest first. */
  readonly runs: readonly RunRow[];
  /** How many older runs were received and are not in `runs`. */
  readonly more: number;
}

/** A run in one line. */
export interface RunRow {
  readonly traceId: string;
  /** The run's own span; of a run whose span is missing, its topmost span. */
  readonly spanId: string;
  readonly name: string;
  readonly status: ShownStatus;
  readonly kind?: string;
  readonly conversationId?: string;
  readonly models: readonly string[];
  /** One entry an attempt, in order of time: `429`, `200`; where no answer came the attempt's error type or status: `ECONNRESET`, `aborted`. */
  readonly attemptCodes: readonly string[];
  /** The time in which the run's steps waited between attempts. */
  readonly waitedMillis: number;
  readonly startMillis: number;
  /** Absent while the run is in progress, and where its span was delivered without an end. */
  readonly durationMillis?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly stepCount: number;
  readonly failedAttempts: number;
  /** Why the run failed. */
  readonly reason?: string;
  /** Whether this comes from the live channel: the run's span has not arrived yet. */
  readonly live: boolean;
  /** Whether a live run has given no sign of life for 15 s. */
  readonly lostContact: boolean;
}

/** A run with all its spans. */
export interface RunDetail {
  readonly row: RunRow;
  /** `service.name` of the program. */
  readonly service?: string;
  /** Flat: parents before their children, siblings by start. */
  readonly spans: readonly SpanNode[];
  /** How many spans were left out because the run has too many to show. */
  readonly omittedSpans?: number;
}

/** `other`: a span that runtrace did not make. It may have attempts: then it is another instrumentation's model span. */
export type SpanKind = 'run' | 'step' | 'tool' | 'other';

export interface SpanNode {
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** 0 for the topmost span of the run. */
  readonly depth: number;
  readonly kind: SpanKind;
  readonly name: string;
  /** The name of the instrumentation scope. */
  readonly library?: string;
  readonly startMillis: number;
  /** Absent while the span is in progress, and where it was delivered without an end. */
  readonly endMillis?: number;
  readonly status: ShownStatus;
  /** What OpenTelemetry's status says beside its code. */
  readonly statusMessage?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The attributes that were too long and are cut, with their full length in bytes. */
  readonly cut?: Readonly<Record<string, number>>;
  readonly attempts: readonly Attempt[];
  readonly statusUpdates: readonly StatusUpdate[];
  readonly otherEvents: readonly SpanEvent[];
  /** Live only: since when the step has been waiting for its next attempt, and how long the provider asked to wait. */
  readonly waiting?: { readonly sinceMillis: number; readonly askedMillis?: number };
}

/** `in_flight`: live only. */
export type AttemptStatus = 'in_flight' | 'completed' | 'failed' | 'aborted' | 'unread';

/** One HTTP exchange of a step. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly startMillis: number;
  /** Absent while the attempt is in flight. */
  readonly endMillis?: number;
  readonly status: AttemptStatus;
  /** The HTTP status code. Absent if no answer came. */
  readonly code?: number;
  readonly errorType?: string;
  readonly errorMessage?: string;
  /** How long the client waited before this attempt. */
  readonly waitMillis?: number;
  /** How long the answer of the attempt before asked to wait: its `retry-after-ms` or `retry-after`. */
  readonly askedMillis?: number;
  /** From the start of the attempt to the first chunk of its answer's body. */
  readonly firstChunkMillis?: number;
  readonly url?: string;
  readonly method?: string;
  /** By lower-case name. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** Absent also if it equals the body of the attempt before. */
  readonly requestBody?: string;
  readonly responseBody?: string;
  readonly requestBodyBytes?: number;
  readonly responseBodyBytes?: number;
  /** How many bytes of the bodies were not recorded. */
  readonly truncatedBytes?: number;
  readonly usage?: Usage;
}

/** A proposal of how the step or run ended. */
export interface StatusUpdate {
  readonly atMillis: number;
  readonly status: ShownStatus;
  /** Whether it replaced the status before it. */
  readonly accepted: boolean;
  /** Whether it came after the outcome was written. */
  readonly late: boolean;
  readonly errorType?: string;
}

/** Any other event of a span, such as an exception. */
export interface SpanEvent {
  readonly name: string;
  readonly atMillis: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}
