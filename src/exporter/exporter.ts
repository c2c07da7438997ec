import { join } from 'node:path';
import type { MeterProvider } from '@opentelemetry/api';
import { guarded } from '../util/diagnostics.js';
import { badOption, checkMillis, checkNumber, requireObject } from '../util/validation.js';
import { Destination, type DestinationOptions } from './destination.js';
import { createSender, type EndpointOptions, endpointName, requestTimeoutOf } from './endpoint.js';
import { type ExportResult, FAILED, type ReadableSpan, type SpanExporter, SUCCESS } from './otlp/span.js';
import { forgetAtExit, saveAtExit } from './process-exit.js';
import { checkSpoolOptions, type SpoolOptions } from './spool/spool.js';
import { type ExporterStats, observeStats, sumOf } from './stats.js';

export interface RuntraceExporterOptions extends EndpointOptions {
  /**
   * Where spans go, instead of the one endpoint that the other options describe: endpoints, or exporters of any kind. Each has a
   * queue, retries and a spool of its own; one that is down does not delay or lose anything for the others.
   */
  destinations?: readonly (EndpointOptions | SpanExporter)[];
  /** How much is kept in memory for a destination, queued or under way, in bytes. What is more is dropped, or spooled. Default: 64 MiB. */
  maxQueueBytes?: number;
  /** How many requests are under way at once to a destination. Default: 4. */
  maxConcurrentRequests?: number;
  /**
   * What a request may weigh before compression, in bytes, by an estimate. Several spans share a request up to 1 MiB; one alone may
   * be as large as this, and is cut if it is larger. Default: 4 MiB, what a gRPC hop in the path accepts.
   */
  maxRequestBytes?: number;
  /** How long spans wait for company, in milliseconds. Only for spans that come one by one (`add`). Default: 1000. */
  scheduledDelayMillis?: number;
  /** How long a request that fails is tried again, in milliseconds, where there is no spool. Default: 10 minutes. */
  retryTimeoutMillis?: number;
  /** How long `forceFlush()` may take, in milliseconds. Default: 30 000. */
  flushTimeoutMillis?: number;
  /** How long `shutdown()` may take, in milliseconds. Default: 10 000. */
  shutdownTimeoutMillis?: number;
  /** Where to keep on disk what can't be delivered. Several destinations get a directory each in it. Default: none. */
  spool?: SpoolOptions;
  /** Where `stats()` go as metrics. Default: nowhere. */
  meterProvider?: MeterProvider;
}

/** A foreign processor gives a batch up after a while, and what is in it; so it hears within that time that we have it. */
const KEPT_MILLIS = 5000;
/** A sender that has called back to nobody for so long never will; one that was told how long it may take gets three times that. */
const REQUEST_TIMEOUT_MILLIS = 60_000;

/**
 * Sends spans and does not give up: over OTLP/HTTP with gzip by default, to an endpoint or several, or through any other
 * `SpanExporter`. Requests are bounded, split where an endpoint calls them too large, and retried; spans that can't
 * be delivered are kept in bounded memory, on disk where there is a `spool`, or dropped and counted.
 *
 * Made for `RuntraceBatchSpanProcessor`. Behind another processor it calls back on delivery, or after 5 s when it has the
 * batch in its keeping. What a foreign processor drops before is out of our hands.
 *
 * Nothing is thrown and no promise rejects once it is made: see `stats()` and `diag`. Its timers don't keep a process alive:
 * shut it down, or what is in memory at the end goes to the spool, or is counted and reported.
 *
 * @throws TypeError when made, if an option or the environment can't be used.
 * @example new RuntraceBatchSpanProcessor({ exporter: new RuntraceExporter({ spool: { directory: '/var/spool/app' } }) })
 */
export class RuntraceExporter implements SpanExporter {
  readonly #destinations: readonly Destination[];

  constructor(options: RuntraceExporterOptions = {}) {
    checkOptions(options);
    const many = options.destinations;
    const all = many
      ? many.map((of, i) => destinationOptions(of, options, `destination-${i + 1}`))
      : [destinationOptions(options, options)];
    // Names that differ only in what a directory's name can't hold would share a spool: each would send the other's spans.
    if (new Set(all.map(({ name, spool }) => spool?.directory ?? name)).size < all.length) {
      throw badOption('destinations', 'destinations of different names', all.map(({ name }) => name).join());
    }
    this.#destinations = all.map((it) => new Destination(it));
    if (options.meterProvider) {
      observeStats(options.meterProvider, new Map(this.#destinations.map((it) => [it.name, () => it.stats()])));
    }
    saveAtExit(this.#exit);
  }

  /** Takes one span that has ended, to go out with others soon. Returns at once. */
  add(span: ReadableSpan): void {
    guarded('a span could not be taken for export', () => {
      for (const destination of this.#destinations) destination.add(span);
    });
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    let isDone = false;
    const done = (result: ExportResult) => {
      clearTimeout(timer);
      if (isDone) return;
      isDone = true;
      guarded('the callback of an export threw', () => resultCallback(result));
    };
    const timer = setTimeout(() => done({ code: SUCCESS }), KEPT_MILLIS);
    timer.unref();
    const groups = guarded('spans could not be taken for export', () =>
      this.#destinations.map((it) => it.addNow(spans)),
    );
    if (!groups) {
      done({ code: FAILED, error: new Error('runtrace could not read the spans') });
      return;
    }
    void Promise.all(groups.map(({ settled }) => settled)).then(() => {
      const lost = Math.max(...groups.map((group) => group.lost));
      const error = new Error(`${lost} of ${spans.length} spans were not delivered`);
      done(lost > 0 ? { code: FAILED, error } : { code: SUCCESS });
    });
  }

  /** Resolves when every span that was taken before is delivered, on disk or counted as dropped; or after `flushTimeoutMillis`. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#destinations.map((destination) => destination.flush()));
  }

  /** Flushes, within `shutdownTimeoutMillis`. What is left then goes to the spool, or is dropped, counted and reported. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#destinations.map((destination) => destination.shutdown()));
    forgetAtExit(this.#exit);
  }

  /** What became of the spans: of all destinations together (a span counts once for each), or of the one with that name. */
  stats(destination?: string): ExporterStats {
    const wanted = this.#destinations.filter(({ name }) => destination === undefined || name === destination);
    if (wanted.length === 0)
      throw badOption('destination', this.#destinations.map(({ name }) => name).join(' or '), destination);
    return sumOf(wanted.map((it) => it.stats()));
  }

  readonly #exit = () => {
    for (const destination of this.#destinations) guarded('spans could not be saved', () => destination.exit());
  };
}

/** `fallbackName` for one of several. */
function destinationOptions(
  of: EndpointOptions | SpanExporter,
  options: RuntraceExporterOptions,
  fallbackName?: string,
): DestinationOptions {
  const { maxConcurrentRequests = 4, spool } = options;
  const isExporter = 'export' in of;
  const sender = isExporter ? of : createSender(of, maxConcurrentRequests);
  const name = isExporter ? (fallbackName ?? '') : endpointName(of);
  const timeoutMillis = isExporter ? 0 : requestTimeoutOf(of);
  return {
    name,
    sender,
    maxConcurrentRequests,
    maxQueueBytes: options.maxQueueBytes ?? 64 * 1024 * 1024,
    maxRequestBytes: options.maxRequestBytes ?? 4 * 1024 * 1024,
    scheduledDelayMillis: options.scheduledDelayMillis ?? 1000,
    retryTimeoutMillis: options.retryTimeoutMillis ?? 10 * 60_000,
    requestTimeoutMillis: Math.max(REQUEST_TIMEOUT_MILLIS, 3 * timeoutMillis),
    flushTimeoutMillis: options.flushTimeoutMillis ?? 30_000,
    shutdownTimeoutMillis: options.shutdownTimeoutMillis ?? 10_000,
    ...(spool && { spool: fallbackName ? { ...spool, directory: join(spool.directory, slug(name)) } : spool }),
  };
}

/** No path: `..` is no name either. */
function slug(name: string): string {
  return name.replace(/[^\w.-]+|^\.+$/g, '_');
}

const MILLIS = ['scheduledDelayMillis', 'retryTimeoutMillis', 'flushTimeoutMillis', 'shutdownTimeoutMillis'] as const;

function checkOptions(options: RuntraceExporterOptions): void {
  requireObject(options, 'options');
  if ('export' in options)
    throw badOption('options', 'an object of options ({ destinations: [exporter] })', 'an exporter');
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
    throw badOption('destinations', 'an array of endpoints and exporters', destinations);
  }
  for (const [i, destination] of destinations.entries()) {
    if ('export' in requireObject(destination, `destinations[${i}]`)) checkExporter(destination, `destinations[${i}]`);
  }
  for (const name of ['url', 'headers', 'httpAgentOptions', 'compression', 'timeoutMillis', 'name'] as const) {
    if (options[name] !== undefined) throw badOption(name, 'given for each of the destinations', options[name]);
  }
}
