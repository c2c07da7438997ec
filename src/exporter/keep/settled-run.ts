import type { Attributes } from '@opentelemetry/api';
import * as names from '../../otel/names.js';
import type { ReadableSpan } from '../otlp/span.js';

/**
 * What `keep` gets of an outermost run that has settled. Counts and tokens include the runs inside of it that have
 * settled before it.
 */
export interface SettledRun {
  /** 32 hex digits. */
  readonly traceId: string;
  /** The run id: a UUID. */
  readonly id: string;
  /** As given to `run()`: `chat_turn`, `title_generation`… */
  readonly kind: string;
  /** How the run ended. */
  readonly status: 'completed' | 'error' | 'interrupted';
  readonly conversationId?: string;
  readonly userId?: string;
  readonly agentName?: string;
  /** From the run's start to its end, in milliseconds. */
  readonly durationMillis: number;
  /** Model calls, each with its retries. */
  readonly stepCount: number;
  /** HTTP attempts. */
  readonly attempts: number;
  /** HTTP attempts that failed, also those whose retry succeeded. */
  readonly failedAttempts: number;
  /** Whether any of its steps, or a run inside of it, ended as `error`; the run itself may have completed. */
  readonly hasError: boolean;
  /** Absent if no answer stated its usage. */
  readonly inputTokens?: number;
  /** Absent if no answer stated its usage. */
  readonly outputTokens?: number;
  /** All attributes of the run's span, under their full names, the application's own included. */
  readonly attributes: Readonly<Attributes>;
}

/** The figures of a run that add up with those of the runs inside of it. */
export interface RunFigures {
  readonly stepCount: number;
  readonly attempts: number;
  readonly failedAttempts: number;
  readonly hasError: boolean;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

const STATUSES = new Set<unknown>(['completed', 'error', 'interrupted'] satisfies SettledRun['status'][]);

/** Whether `span`, which has just started, is a run's. */
export function isRun(span: object): boolean {
  const { attributes } = span as { attributes?: Attributes };
  return attributes?.[names.RUN_KIND] !== undefined && attributes[names.RUN_ID] !== undefined;
}

/** The figures on the span of a run that has settled; `undefined` if they are not on it. */
export function figuresOf({ attributes }: ReadableSpan): RunFigures | undefined {
  const stepCount = attributes[names.RUN_STEP_COUNT];
  const attempts = attributes[names.RUN_ATTEMPT_COUNT];
  const failedAttempts = attributes[names.RUN_FAILED_ATTEMPT_COUNT];
  if (!isCount(stepCount) || !isCount(attempts) || !isCount(failedAttempts)) return undefined;
  return {
    stepCount,
    attempts,
    failedAttempts,
    hasError: attributes[names.RUN_HAS_ERROR] === true || attributes[names.STATUS] === 'error',
    inputTokens: countOrNone(attributes[names.RUN_INPUT_TOKENS]),
    outputTokens: countOrNone(attributes[names.RUN_OUTPUT_TOKENS]),
  };
}

export function sumOfFigures(a: RunFigures, b: RunFigures): RunFigures {
  return {
    stepCount: a.stepCount + b.stepCount,
    attempts: a.attempts + b.attempts,
    failedAttempts: a.failedAttempts + b.failedAttempts,
    hasError: a.hasError || b.hasError,
    inputTokens: sumOfKnown(a.inputTokens, b.inputTokens),
    outputTokens: sumOfKnown(a.outputTokens, b.outputTokens),
  };
}

/** The run whose span is `root`; `undefined` if what `keep` needs is not on it, because the SDK's limits cut it off. */
export function settledRun(root: ReadableSpan, inside: RunFigures | undefined): SettledRun | undefined {
  const { attributes } = root;
  const own = figuresOf(root);
  const id = textOrNone(attributes[names.RUN_ID]);
  const kind = textOrNone(attributes[names.RUN_KIND]);
  const status = attributes[names.STATUS];
  if (!own || id === undefined || kind === undefined || !STATUSES.has(status)) return undefined;
  const { inputTokens, outputTokens, ...counts } = inside ? sumOfFigures(own, inside) : own;
  // The run's own `error` is its status; `hasError` is about what happened in it.
  const hasError = attributes[names.RUN_HAS_ERROR] === true || (inside?.hasError ?? false);
  const conversationId = textOrNone(attributes[names.GEN_AI_CONVERSATION_ID]);
  const userId = textOrNone(attributes[names.USER_ID]);
  const agentName = textOrNone(attributes[names.GEN_AI_AGENT_NAME]);
  const [seconds, nanos] = root.duration;
  return {
    traceId: root.spanContext().traceId,
    id,
    kind,
    status: status as SettledRun['status'],
    durationMillis: seconds * 1000 + nanos / 1e6,
    ...counts,
    hasError,
    ...(conversationId !== undefined && { conversationId }),
    ...(userId !== undefined && { userId }),
    ...(agentName !== undefined && { agentName }),
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    // A copy: the span is other processors' too.
    attributes: { ...attributes },
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number';
}

function countOrNone(value: unknown): number | undefined {
  return isCount(value) ? value : undefined;
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function sumOfKnown(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : a + (b ?? 0);
}
