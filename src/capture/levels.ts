import { report } from '../util/diagnostics.js';
import { lastRemembered, remembered } from '../util/memo.js';
import { environmentChoice } from '../util/omissions.js';
import { environment } from '../util/platform.js';
import { badOption, checkFields, checkNumber, requireObject } from '../util/validation.js';
import { bounded } from './captured-content.js';
import { createRedactor, type RedactOptions, type Redactor } from './redact/redactor.js';

/**
 * How much is recorded.
 *
 * - `off`: nothing, at almost no cost.
 * - `metadata`: names, figures, ids and codes; no prompt, no completion, no body, and no text that may quote one.
 * - `content`: also error texts, all headers and bodies (redacted, bounded), messages, system instructions and tool definitions.
 */
export type Capture = 'off' | 'metadata' | 'content';

/** Who a run is for, as given to `run()`: what a capture function decides by. */
export interface RunIdentity {
  id: string;
  kind: string;
  conversationId?: string;
  userId?: string;
  agentName?: string;
  parentConversationId?: string;
  rootConversationId?: string;
}

/** The limits on memory and time of one recorder. Times are in milliseconds. */
export interface Limits {
  /** How many runs are open at once, at least 1. Beyond it the oldest ends early, as `interrupted`. Default 10 000. */
  openRuns: number;
  /** How long a run may stay open. After that it ends as `interrupted`. Default 24 hours. */
  runMillis: number;
  /** How long a completed step waits for a later attempt or proposal before it settles. Default 1000. */
  completedHoldMillis: number;
  /** How long a failed or interrupted step waits for its retry before it settles. Default 60 000. */
  retryHoldMillis: number;
  /** After a run's function returned: how long one of its calls may go without any activity. Default 5000. */
  idleMillis: number;
  /** After a run's function returned: how long the reader of a body or of a returned stream may pause once reading has begun. Default 60 000. */
  pausedMillis: number;
  /** How much is recorded of one request or response body, in bytes of UTF-8. Default 65 536. */
  bodyBytes: number;
  /** How much is recorded of one content attribute (messages, tool definitions), in bytes of UTF-8. Default 65 536. */
  contentBytes: number;
}

const LEVELS: readonly Capture[] = ['off', 'metadata', 'content'];

const DEFAULT_LIMITS: Limits = {
  openRuns: 10_000,
  runMillis: 24 * 60 * 60 * 1000,
  completedHoldMillis: 1000,
  retryHoldMillis: 60_000,
  idleMillis: 5000,
  pausedMillis: 60_000,
  bodyBytes: 65_536,
  contentBytes: 65_536,
};

/** The names that these limits had in 0.1. */
const RENAMED_LIMITS = {
  lateMillis: 'completedHoldMillis',
  holdMillis: 'retryHoldMillis',
  settleMillis: 'idleMillis',
};

/** The options of a recorder about what it keeps. */
export interface CaptureOptions {
  /**
   * How much is recorded, or a function that returns that for a run. The function is called once when a run begins. If it throws or returns
   * anything else, the run is not recorded.
   *
   * Default: what `RUNTRACE_CAPTURE` says (`off`, `metadata` or `content`), else `metadata`, with messages where
   * `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is `SPAN_ONLY`, `SPAN_AND_EVENT` or `true`.
   */
  capture?: Capture | ((run: RunIdentity) => Capture) | undefined;
  /** Additions to what is always redacted. */
  redact?: RedactOptions | undefined;
  /** Bounds on memory and time. One that is not given has its default. */
  limits?: { [Limit in keyof Limits]?: Limits[Limit] | undefined } | undefined;
}

/** What is kept of one run and everything in it. */
export interface CaptureSettings {
  /** Bodies, headers and error texts. */
  readonly content: boolean;
  /** Messages, system instructions and tool definitions. */
  readonly messages: boolean;
  readonly redactor: Redactor;
  /** As `redactor.url`, bounded and remembered. */
  readonly redactUrl: (url: string) => string;
  readonly limits: Limits;
}

/** Checks the options and returns the one question that is asked at the start of a run; `undefined` means not at all. */
export function createCapture(options: CaptureOptions): {
  limits: Limits;
  /** Whether anything is recorded at all. */
  enabled: boolean;
  ask(run: RunIdentity): CaptureSettings | undefined;
} {
  const { capture = environmentChoice('RUNTRACE_CAPTURE', LEVELS, 'metadata') } = options;
  if (capture !== undefined && typeof capture !== 'function' && !isCapture(capture)) {
    throw badOption('capture', "'off', 'metadata', 'content' or a function", capture);
  }
  const limits = checkLimits(options.limits);
  const redactor = rememberRepeated(createRedactor(options.redact), options.redact);
  const redactUrl = remembered((url) => bounded(redactor.url(url)));
  const metadata: CaptureSettings = { content: false, messages: false, redactor, redactUrl, limits };
  const content: CaptureSettings = { ...metadata, content: true, messages: true };
  const unset: CaptureSettings = { ...metadata, messages: messagesFromEnvironment() };

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

/**
 * Most attributes and headers have the value that they had last time, and few names. An application's own function may change its mind,
 * so it is asked each time.
 */
function rememberRepeated(redactor: Redactor, options: RedactOptions | undefined): Redactor {
  if (options?.redact) return redactor;
  const { name, attribute, header } = redactor;
  return {
    ...redactor,
    name: remembered(name),
    attribute: lastRemembered(attribute),
    header: lastRemembered(header),
  };
}

function isCapture(value: unknown): value is Capture {
  return (LEVELS as readonly unknown[]).includes(value);
}

function checkLimits(given: unknown): Limits {
  if (given === undefined) return DEFAULT_LIMITS;
  const limits = requireObject(given, 'limits');
  checkFields(limits, 'limits', Object.keys(DEFAULT_LIMITS), RENAMED_LIMITS);
  for (const name in limits) {
    checkNumber(limits[name], `limits.${name}`, name === 'openRuns' ? 1 : 0);
  }
  const known = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(known) };
}

function messagesFromEnvironment(): boolean {
  const value = environment('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT')?.toUpperCase();
  return value === 'SPAN_ONLY' || value === 'SPAN_AND_EVENT' || value === 'TRUE';
}
