import type { Attributes, AttributeValue, Span } from '@opentelemetry/api';
import { sendable } from './attribute-value.js';
import { environment, environmentChoice } from './environment.js';
import type { ContentWriter } from './genai.js';
import { createRedactor, type RedactOptions, type Redactor } from './redact/redactor.js';
import { report } from './report.js';
import { remembered } from './url.js';
import { badOption, checkNumber, requireObject } from './validate.js';

/**
 * How much is recorded.
 *
 * - `off`: nothing, at almost no cost.
 * - `metadata`: no prompt, no completion, no body, and no text that may quote one.
 * - `content`: also error texts, all headers and bodies (redacted, bounded), messages, system instructions and tool definitions.
 */
export type Capture = 'off' | 'metadata' | 'content';

/** Who a run is for: what a capture function decides by. */
export interface RunIdentity {
  id: string;
  kind: string;
  conversationId?: string;
  userId?: string;
  agentName?: string;
  parentConversationId?: string;
  rootConversationId?: string;
}

/** The bounds of what is kept, and for how long. */
export interface Limits {
  /** Runs open at once in one recorder; beyond it the oldest ends early, as `interrupted`. Default 10 000. */
  openRuns: number;
  /** How long a run may stay open. Default 24 hours. */
  runMillis: number;
  /** How long a step that completed is held for late news. Default 1000. */
  lateMillis: number;
  /** How long a step that ended otherwise is held for its retry. Default 60 000. */
  holdMillis: number;
  /** After a run is over: how long a call of it may show no sign of life. Default 5000. */
  settleMillis: number;
  /** Kept of one request or response body, in bytes of UTF-8. Default 65 536. */
  bodyBytes: number;
  /** Kept of one content attribute (messages, tool definitions), in bytes of UTF-8. Default 65 536. */
  contentBytes: number;
}

const LEVELS: readonly Capture[] = ['off', 'metadata', 'content'];

const DEFAULT_LIMITS: Limits = {
  openRuns: 10_000,
  runMillis: 24 * 60 * 60 * 1000,
  lateMillis: 1000,
  holdMillis: 60_000,
  settleMillis: 5000,
  bodyBytes: 65_536,
  contentBytes: 65_536,
};

/** The options of a recorder about what it keeps. */
export interface CaptureOptions {
  /**
   * How much is recorded, or a function of the run's identity that says so. It is asked once a run; if it throws, the run is not recorded.
   *
   * Default: what `RUNTRACE_CAPTURE` says (`off`, `metadata` or `content`), else `metadata`, with messages where `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is `SPAN_ONLY`, `SPAN_AND_EVENT` or `true`.
   */
  capture?: Capture | ((run: RunIdentity) => Capture);
  /** Additions to what is always redacted. */
  redact?: RedactOptions;
  /** Bounds; what is not given has its default. */
  limits?: Partial<Limits>;
}

/** What is kept of one run and everything in it. */
export interface Capturing {
  /** Bodies, headers and error texts. */
  readonly content: boolean;
  /** Messages, system instructions and tool definitions. */
  readonly messages: boolean;
  readonly redactor: Redactor;
  /** As `redactor.url`, remembered. */
  readonly redactUrl: (url: string) => string;
  readonly limits: Limits;
}

/** Checks the options and returns the one question that is asked at the start of a run; `undefined` means not at all. */
export function createCapture(options: CaptureOptions): {
  limits: Limits;
  /** Whether anything is recorded at all. */
  enabled: boolean;
  ask(run: RunIdentity): Capturing | undefined;
} {
  const { capture = environmentChoice('RUNTRACE_CAPTURE', LEVELS, 'metadata') } = options;
  if (capture !== undefined && typeof capture !== 'function' && !isCapture(capture)) {
    throw badOption('capture', "'off', 'metadata', 'content' or a function", capture);
  }
  const limits = checkLimits(options.limits);
  const redactor = createRedactor(options.redact);
  const redactUrl = remembered((url) => redactor.url(url));
  const metadata: Capturing = { content: false, messages: false, redactor, redactUrl, limits };
  const content: Capturing = { ...metadata, content: true, messages: true };
  const unset: Capturing = { ...metadata, messages: messagesFromEnvironment() };

  return {
    limits,
    enabled: capture !== 'off',
    ask(run) {
      let level = capture;
      if (typeof level === 'function') {
        try {
          level = level({ ...run });
        } catch (error) {
          report('the capture function threw; the run is not recorded', error);
          return undefined;
        }
        if (!isCapture(level)) {
          report("the capture function must return 'off', 'metadata' or 'content'; the run is not recorded");
          return undefined;
        }
      }
      if (level === 'off') return undefined;
      return level === undefined ? unset : level === 'content' ? content : metadata;
    },
  };
}

function isCapture(value: unknown): value is Capture {
  return (LEVELS as readonly unknown[]).includes(value);
}

function checkLimits(given: unknown): Limits {
  if (given === undefined) return DEFAULT_LIMITS;
  const limits = requireObject(given, 'limits');
  for (const name in limits) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw badOption('limits', `an object of ${Object.keys(DEFAULT_LIMITS).join(', ')}`, name);
    }
    checkNumber(limits[name], `limits.${name}`, name === 'openRuns' ? 1 : 0);
  }
  const known = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(known) };
}

function messagesFromEnvironment(): boolean {
  const value = environment('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT')?.toUpperCase();
  return value === 'SPAN_ONLY' || value === 'SPAN_AND_EVENT' || value === 'TRUE';
}

/** The application's own attributes, redacted. */
export function ownAttributes(
  attributes: Attributes | undefined,
  { redactor }: Pick<Capturing, 'redactor'>,
): Attributes {
  const kept: Attributes = {};
  for (const name in attributes) {
    const value = attributes[name];
    if (typeof value === 'string') kept[name] = redactor.attribute(name, value);
    else if (Array.isArray(value))
      kept[name] = sendable(value.map((v) => (typeof v === 'string' ? redactor.attribute(name, v) : v)) as string[]);
    else if (value != null) kept[name] = sendable(value);
  }
  return kept;
}

/**
 * Writes what runtrace says, then what the application adds to it and does not say otherwise: the SDK keeps the first 128 names.
 */
export function writeAttributes(span: Span, attributes: Attributes, own: Attributes): void {
  span.setAttributes(attributes);
  for (const name in own) if (!Object.hasOwn(attributes, name)) span.setAttribute(name, own[name] as AttributeValue);
}

export function contentWriter({ messages, redactor, limits }: Capturing): ContentWriter | undefined {
  return messages ? { redactor, maxBytes: limits.contentBytes } : undefined;
}
