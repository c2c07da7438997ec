import { join } from 'node:path';
import type { MeterProvider } from '@opentelemetry/api';
import { guarded } from '../util/diagnostics.js';
import { badOption, badUnquoted, checkFields, checkMillis, checkNumber, requireObject } from '../util/validation.js';
import { type Clock, realClock } from './clock.js';
import { Destination, type DestinationOptions } from './destination.js';
import { type EndpointOptions, resolveEndpoint } from './endpoint.js';
import { forgetAtExit, type Saver, saveAtExit } from './exit/process-exit.js';
import { type ExportResult, FAILED, type ReadableSpan, type SpanExporter, SUCCESS } from './otlp/span.js';
import { reportSetting } from './reports.js';
import { createSender } from './sender/create-sender.js';
import { isExportDisabled, isSdkDisabled } from './sender/environment.js';
import { ExporterSender } from './sender/exporter-sender.js';
import { checkSpoolOptions, type SpoolOptions } from './spool/options.js';
import { type ExporterStats, observeStats, sumOf } from './stats.js';

/** Where spans go, and the bounds of their delivery. Sizes are those of OTLP JSON, estimated. */
export interface RuntraceExporterOptions extends EndpointOptions {
  /**
   * The endpoints that spans go to, instead of the one that the other options describe; each is an endpoint's options or any
   * `SpanExporter`. Each has a queue, retries and a spool of its own: one that is down does not delay or lose anything for the others.
   */
  destinations?: readonly (EndpointOptions | SpanExporter)[] | undefined;
  /** How much is kept in memory for a destination, requests under way included, in bytes. More is dropped, or goes to the spool. Default: 64 MiB. */
  maxQueueBytes?: number | undefined;
  /** How many requests are under way at once to a destination. Default: 4. */
  maxConcurrentRequests?: number | undefined;
  /**
   * How large a request may be before compression, in bytes, by an estimate. Several spans share a request up to 1 MiB; a single one
   * may be as large as this, and is cut if it is larger. Default: 4 MiB, which gRPC servers accept by default.
   */
  maxRequestBytes?: number | undefined;
  /** How long spans wait for others, in milliseconds. Only for spans that come one by one (`add`). Default: 1000. */
  scheduledDelayMillis?: number | undefined;
  /** How long a request that fails is tried again if there is no spool, in milliseconds; then its spans are dropped. Default: 10 minutes. */
  retryTimeoutMillis?: number | undefined;
  /** How long `forceFlush()` may take, in milliseconds. Default: 30 000. */
  flushTimeoutMillis?: number | undefined;
  /** How long `shutdown()` may take, in milliseconds. Default: 10 000. */
  shutdownTimeoutMillis?: number | undefined;
  /** Where to keep on disk what can't be delivered. Each of several destinations gets a directory of its own in it. Default: none. */
  spool?: SpoolOptions | undefined;
  /** The provider of the metrics that show what `stats()` returns. Default: none. */
  meterProvider?: MeterProvider | undefined;
}

/** The SDK's processor gives a batch up after 30 s, and drops it; so it gets its answer within this time. */
const KEPT_MILLIS = 5000;

/**
 * Sends spans and does not give up: over OTLP/HTTP as Protobuf with gzip by default, to one endpoint or several, or through any other
 * `SpanExporter`. Requests are bounded, split if an endpoint calls them too large, and retried. Spans that can't
 * be delivered stay in bounded memory, go to disk if there is a `spool`, or are dropped and counted.
 *
 * Made for `RuntraceBatchSpanProcessor`. Behind another processor it calls back on delivery, or after 5 s with success when it
 * keeps the batch itself. What another processor drops before is outside of its reach.
 *
 * Once it is made, it throws nothing and no promise rejects: see `stats()` and `diag`. Its timers don't keep a process alive.
 * Spans in memory when a process ends without a shutdown are sent, go to the spool, or are counted and reported.
 *
 * @throws TypeError from the constructor, if an option can't be used. A variable that makes no sense is reported and ignored.
 * @example new RuntraceBatchSpanProcessor({ exporter: new RuntraceExporter({ spool: { directory: '/var/spool/app' } }) })
 */
export class RuntraceExporter implements SpanExporter {
  readonly #destinations: readonly Destination[];
  readonly #clock: Clock;

  /** `clock` is for tests. */
  constructor(options: RuntraceExporterOptions = {}, clock: Clock = realClock) {
    checkOptions(options);
    this.#clock = clock;
    const all = isDisabled(options) ? [] : destinationsOf(options);
    // Names that differ only in characters that a directory's name can't have would share a spool: each would send the other's spans.
    if (new Set(all.map(({ name, spool }) => spool?.directory ?? name)).size < all.length) {
      throw badOption('destinations', 'destinations of different names', all.map(({ name }) => name).join());
    }
    this.#destinations = all.map((it) => new Destination({ ...it, clock }));
    if (options.meterProvider) {
      observeStats(options.meterProvider, new Map(this.#destinations.map((it) => [it.name, () => it.stats()])));
    }
    saveAtExit(this.#saver);
  }

  /** Takes one span that has ended, to be sent with others soon. Returns at once. */
  add(span: ReadableSpan): void {
    guarded('a span could not be taken for export', () => {
      for (const destination of this.#destinations) destination.add(span);
    });
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    let isDone = false;
    const done = (result: ExportResult) => {
      cancel();
      if (isDone) return;
      isDone = true;
      guarded('the callback of an export threw', () => resultCallback(result));
    };
    const cancel = this.#clock.after(KEPT_MILLIS, () => done({ code: SUCCESS }));
    const groups = guarded('spans could not be taken for export', () =>
      this.#destinations.map((it) => it.addNow(spans)),
    );
    if (!groups) {
      done({ code: FAILED, error: new Error('runtrace could not read the spans') });
      return;
    }
    void Promise.all(groups.map(({ settled }) => settled)).then(() => {
      const lost = Math.max(0, ...groups.map((group) => group.lost));
      const error = new Error(`${lost} of ${spans.length} spans were not delivered`);
      done(lost > 0 ? { code: FAILED, error } : { code: SUCCESS });
    });
  }

  /** Resolves when every span that was taken before is delivered, on disk or counted as dropped, or after `flushTimeoutMillis`. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#destinations.map((destination) => destination.flush()));
  }

  /** Flushes, within `shutdownTimeoutMillis`. What is left then goes to the spool, or is dropped, counted and reported. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#destinations.map((destination) => destination.shutdown()));
    forgetAtExit(this.#saver);
  }

  /** How many spans were sent, dropped and so on: of all destinations together (a span counts once for each), or of the one with that name. */
  stats(destination?: string): ExporterStats {
    const wanted = this.#destinations.filter(({ name }) => destination === undefined || name === destination);
    if (wanted.length === 0 && destination !== undefined)
      throw badOption('destination', this.#destinations.map(({ name }) => name).join(' or '), destination);
    return sumOf(wanted.map((it) => it.stats()));
  }

  readonly #saver: Saver = {
    beforeExit: () => {
      for (const destination of this.#destinations) guarded('spans could not be sent', () => destination.sendWaiting());
    },
    exit: () => {
      for (const destination of this.#destinations) guarded('spans could not be saved', () => destination.exit());
    },
  };
}

/** Whether the environment turns exporting off. `OTEL_TRACES_EXPORTER` is only for an endpoint that comes from the environment too. */
function isDisabled({ url, destinations }: RuntraceExporterOptions): boolean {
  const why = isSdkDisabled()
    ? 'OTEL_SDK_DISABLED is true'
    : isExportDisabled() && url === undefined && destinations === undefined && 'OTEL_TRACES_EXPORTER is none';
  if (!why) return false;
  reportSetting(`${why}; no spans are sent`, 'info');
  return true;
}

function destinationsOf(options: RuntraceExporterOptions): DestinationOptions[] {
  const { destinations } = options;
  if (!destinations) return [destinationOptions(options, options)];
  const all = destinations.map((of, i) => destinationOptions(of, options, `destination-${i + 1}`));
  const isShared = (title: string) => all.filter((it) => it.title === title).length > 1;
  return all.map((it) => (isShared(it.title) ? { ...it, title: `${it.title} (${it.name})` } : it));
}

/** `fallbackName` is for one of several. */
function destinationOptions(
  of: EndpointOptions | SpanExporter,
  options: RuntraceExporterOptions,
  fallbackName?: string,
): DestinationOptions {
  const { spool } = options;
  const { name, title, createSender } = senderOptions(of, fallbackName);
  return {
    name,
    title,
    createSender,
    maxConcurrentRequests: options.maxConcurrentRequests ?? 4,
    maxQueueBytes: options.maxQueueBytes ?? 64 * 1024 * 1024,
    maxRequestBytes: options.maxRequestBytes ?? 4 * 1024 * 1024,
    scheduledDelayMillis: options.scheduledDelayMillis ?? 1000,
    retryTimeoutMillis: options.retryTimeoutMillis ?? 10 * 60_000,
    flushTimeoutMillis: options.flushTimeoutMillis ?? 30_000,
    shutdownTimeoutMillis: options.shutdownTimeoutMillis ?? 10_000,
    ...(spool && { spool: fallbackName ? { ...spool, directory: join(spool.directory, slug(name)) } : spool }),
  };
}

function senderOptions(
  of: EndpointOptions | SpanExporter,
  fallbackName = '',
): Pick<DestinationOptions, 'name' | 'title' | 'createSender'> {
  if ('export' in of) {
    // The name is that of the spool's directory too, so it does not depend on the class, which is what the user knows.
    const title = of.constructor?.name || fallbackName;
    return { name: fallbackName, title, createSender: (clock) => new ExporterSender(of, clock) };
  }
  const endpoint = resolveEndpoint(of);
  return {
    name: endpoint.name,
    title: endpoint.name,
    createSender: (clock, report) => createSender(endpoint, clock, report),
  };
}

/** A directory's name: no path, and not `..`. */
function slug(name: string): string {
  return name.replace(/[^\w.-]+|^\.+$/g, '_');
}

/** `satisfies`, in both: an option that is added to the interface must be added here too. */
const ENDPOINT_OPTIONS = Object.keys({
  url: true,
  protocol: true,
  headers: true,
  httpAgentOptions: true,
  compression: true,
  timeoutMillis: true,
  name: true,
} satisfies Record<keyof EndpointOptions, true>) as (keyof EndpointOptions)[];
export const EXPORTER_OPTIONS: readonly string[] = [
  'destinations',
  ...ENDPOINT_OPTIONS,
  ...Object.keys({
    maxQueueBytes: true,
    maxConcurrentRequests: true,
    maxRequestBytes: true,
    scheduledDelayMillis: true,
    retryTimeoutMillis: true,
    flushTimeoutMillis: true,
    shutdownTimeoutMillis: true,
    spool: true,
    meterProvider: true,
  } satisfies Record<Exclude<keyof RuntraceExporterOptions, keyof EndpointOptions | 'destinations'>, true>),
];
const MILLIS = ['scheduledDelayMillis', 'retryTimeoutMillis', 'flushTimeoutMillis', 'shutdownTimeoutMillis'] as const;

function checkOptions(options: RuntraceExporterOptions): void {
  requireObject(options, 'options');
  if ('export' in options)
    throw badUnquoted('options', 'an object of options ({ destinations: [exporter] })', 'an exporter');
  checkFields(options, 'options', EXPORTER_OPTIONS);
  checkNumber(options.maxQueueBytes, 'maxQueueBytes', 1, Number.MAX_SAFE_INTEGER);
  checkNumber(options.maxConcurrentRequests, 'maxConcurrentRequests', 1, Number.MAX_SAFE_INTEGER);
  checkNumber(options.maxRequestBytes, 'maxRequestBytes', 16 * 1024, Number.MAX_SAFE_INTEGER);
  for (const name of MILLIS) checkMillis(options[name], name, 0);
  if (options.meterProvider !== undefined && typeof options.meterProvider?.getMeter !== 'function') {
    throw badOption('meterProvider', 'a meter provider', options.meterProvider);
  }
  if (options.spool !== undefined) checkSpoolOptions(options.spool);
  if (options.destinations !== undefined) checkDestinations(options);
}

/** @throws TypeError that names the option. */
export function checkExporter(value: unknown, option: string): void {
  const { export: send, shutdown } = (value ?? {}) as Partial<SpanExporter>;
  if (typeof send !== 'function' || typeof shutdown !== 'function') throw badOption(option, 'a span exporter', value);
}

function checkDestinations(options: RuntraceExporterOptions): void {
  const { destinations } = options;
  if (!Array.isArray(destinations) || destinations.length === 0) {
    const wants = 'an array of endpoints and exporters that is not empty';
    throw typeof destinations === 'string'
      ? badUnquoted('destinations', wants, 'a text')
      : badOption('destinations', wants, destinations);
  }
  for (const [i, destination] of destinations.entries()) {
    if (typeof destination === 'string') throw badUnquoted(`destinations[${i}]`, 'an object', 'a text');
    if ('export' in requireObject(destination, `destinations[${i}]`)) checkExporter(destination, `destinations[${i}]`);
    else checkFields(destination, `destinations[${i}]`, ENDPOINT_OPTIONS);
  }
  for (const name of ENDPOINT_OPTIONS) {
    // Not the value: a URL and headers may hold a secret.
    if (options[name] !== undefined) throw badUnquoted(name, 'given for each of the destinations', 'it beside them');
  }
}
