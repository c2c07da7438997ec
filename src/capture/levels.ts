import type { Attributes, AttributeValue, Span } from '@opentelemetry/api';
import { sendable } from '../otel/attribute-value.js';
import { report } from '../util/diagnostics.js';
import { environment, environmentChoice } from '../util/environment.js';
import { lastRemembered, remembered } from '../util/memo.js';
import { badOption, checkFields, checkNumber, requireObject } from '../util/validation.js';
import type { ContentWriter } from './genai-writer.js';
import { createRedactor, type RedactOptions, type Redactor } from './redact/redactor.js';
import { bound } from './redact/truncation.js';

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
  completedHoldMillis: number;
  /** How long a step that ended otherwise is held for its retry. Default 60 000. */
  retryHoldMillis: number;
  /** After a run is over: how long a call of it may show no sign of life. Default 5000. */
  idleMillis: number;
  /** Kept of one request or response body, in bytes of UTF-8. Default 65 536. */
  bodyBytes: number;
  /** Kept of one content attribute (messages, tool definitions), in bytes of UTF-8. Default 65 536. */
  contentBytes: number;
}

const LEVELS: readonly Capture[] = ['off', 'metadata', 'content'];

const DEFAULT_LIMITS: Limits = {
  openRuns: 10_000,
  runMillis: 24 * 60 * 60 * 1000,
  completedHoldMillis: 1000,
  retryHoldMillis: 60_000,
  idleMillis: 5000,
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

type Redacting = Pick<CaptureSettings, 'redactor'>;

/** Kept of a text that is neither a body nor content: an attribute, an error's message, a stack trace. In bytes of UTF-8. */
const MAX_TEXT_BYTES = 65_536;

/** Free text as it may be kept: redacted, bounded. */
export function keptText(text: string, { redactor }: Redacting): string {
  return bounded(redactor.text(text));
}

/** The beginning of a redacted text that is longer than anybody reads. */
function bounded(text: string): string {
  // No character takes more than three bytes.
  if (text.length <= MAX_TEXT_BYTES / 3) return text;
  const { text: kept, truncatedBytes } = bound(
    [{ head: '', body: text, tail: '', jsonDepth: undefined }],
    MAX_TEXT_BYTES,
  );
  if (truncatedBytes > 0) report('a text was longer than 65536 bytes; it was truncated');
  return kept;
}

/** Attributes as they may be kept, whoever they come from: names and texts redacted, texts bounded. */
export function keptAttributes(attributes: Attributes | undefined, { redactor }: Redacting): Attributes {
  const kept: Attributes = {};
  for (const name in attributes) {
    const value = keptValue(name, attributes[name], redactor);
    if (value !== undefined) kept[redactor.name(name)] = value;
  }
  return kept;
}

/** The same for attributes that are runtrace's own, in their place: their names say nothing that must not be kept. */
export function keepValues(attributes: Attributes, { redactor }: Redacting): Attributes {
  for (const name in attributes) {
    const value = keptValue(name, attributes[name], redactor);
    if (value !== undefined) attributes[name] = value;
    else delete attributes[name];
  }
  return attributes;
}

function keptValue(name: string, value: unknown, redactor: Redactor): AttributeValue | undefined {
  if (Array.isArray(value)) return sendable(value.map((item) => keptItem(name, item, redactor)) as string[]);
  const kept = keptItem(name, value, redactor);
  return kept == null ? undefined : sendable(kept);
}

function keptItem(name: string, value: unknown, redactor: Redactor): string | number | boolean | null | undefined {
  switch (typeof value) {
    case 'string':
      return bounded(redactor.attribute(name, value));
    case 'number':
    case 'boolean':
      return value;
    default:
      if (value != null)
        report('an attribute that is neither a text, a number, a boolean nor a list of them was left out');
      return value === null ? null : undefined;
  }
}

/** Writes the attributes of one span, as they may be kept. */
export class AttributeWriter {
  readonly #span: Span;
  readonly #redactor: Redactor;
  /** What the span began with is there already. */
  readonly #begun: Attributes;
  /** What others add, as far as runtrace doesn't say otherwise. */
  readonly #others: Attributes | undefined;

  constructor(span: Span, begun: Attributes, others: Attributes | undefined, { redactor }: Redacting) {
    this.#span = span;
    this.#redactor = redactor;
    this.#begun = begun;
    this.#others = others && keptAttributes(others, { redactor });
  }

  /** Writes what may hold a secret, and returns what was kept of it. */
  keep(name: string, value: AttributeValue | null | undefined): AttributeValue | undefined {
    if (value == null) return undefined;
    const kept = keptValue(name, value, this.#redactor);
    if (kept !== undefined) this.write(name, kept);
    return kept;
  }

  /** Writes what is kept as it is. */
  write(name: string, value: AttributeValue): void {
    if (this.#others !== undefined && Object.hasOwn(this.#others, name)) delete this.#others[name];
    this.#span.setAttribute(name, value);
  }

  /** Writes what others add. It comes last, because the SDK keeps the first 128 names. */
  end(): void {
    for (const name in this.#others) {
      if (!Object.hasOwn(this.#begun, name)) this.#span.setAttribute(name, this.#others[name] as AttributeValue);
    }
  }
}

export function contentWriter({ messages, redactor, limits }: CaptureSettings): ContentWriter | undefined {
  return messages ? { redactor, maxBytes: limits.contentBytes } : undefined;
}
