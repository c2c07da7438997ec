import { validateHeaderName, validateHeaderValue } from 'node:http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { badOption, checkMillis, requireObject, requireString } from '../util/validation.js';
import type { SpanExporter } from './otlp/span.js';

type StockOptions = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;

/** An OTLP/HTTP endpoint. What is not given is taken from the standard `OTEL_EXPORTER_OTLP_*` variables. */
export interface EndpointOptions extends Pick<StockOptions, 'headers' | 'httpAgentOptions'> {
  /**
   * The whole URL, path included. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT` and
   * `/v1/traces`, else `http://localhost:4318/v1/traces`.
   */
  url?: string;
  /** Default: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`, or `gzip`. */
  compression?: 'gzip' | 'none';
  /** How long a request may take, in milliseconds. Default: `OTEL_EXPORTER_OTLP_TIMEOUT`, or 10 000. */
  timeoutMillis?: number;
  /** What it is called in `stats()`, metrics, reports and the spool's directory. Default: its URL. */
  name?: string;
}

/** The stock exporter for an endpoint. @throws TypeError if an option, or the environment, can't be used. */
export function createSender(options: EndpointOptions, concurrency: number): SpanExporter {
  checkEndpoint(options);
  checkEnvironment(options);
  const { url, headers, httpAgentOptions, timeoutMillis, compression = compressionFromEnvironment() } = options;
  return new OTLPTraceExporter({
    ...(url !== undefined && { url }),
    ...(headers !== undefined && { headers }),
    ...(httpAgentOptions !== undefined && { httpAgentOptions }),
    ...(timeoutMillis !== undefined && { timeoutMillis }),
    // The stock exporter's enum has these very values, but is no export of its package.
    ...(compression && { compression: compression as NonNullable<StockOptions['compression']> }),
    concurrencyLimit: Math.max(30, concurrency),
  });
}

/** What an endpoint is called where it has no name: no query, no credentials. */
export function endpointName({ name, url }: EndpointOptions): string {
  if (name) return name;
  const { TRACES_ENDPOINT, ENDPOINT } = environment();
  const { origin, pathname } = new URL(
    url ??
      TRACES_ENDPOINT ??
      (ENDPOINT ? `${ENDPOINT.replace(/\/$/, '')}/v1/traces` : 'http://localhost:4318/v1/traces'),
  );
  return origin + pathname;
}

/** How long the sender takes for a request before it gives it up. */
export function requestTimeoutOf({ timeoutMillis }: EndpointOptions): number {
  const { TRACES_TIMEOUT, TIMEOUT } = environment();
  return timeoutMillis ?? Number(TRACES_TIMEOUT ?? TIMEOUT ?? 10_000);
}

function checkEndpoint({ url, headers, httpAgentOptions, compression, timeoutMillis, name }: EndpointOptions): void {
  if (url !== undefined) checkUrl(url, 'url');
  if (headers !== undefined && typeof headers !== 'function') checkHeaders(headers, 'headers');
  if (typeof httpAgentOptions !== 'function' && httpAgentOptions !== undefined) {
    requireObject(httpAgentOptions, 'httpAgentOptions');
  }
  if (compression !== undefined) checkCompression(compression, 'compression');
  checkMillis(timeoutMillis, 'timeoutMillis', 1);
  if (name !== undefined) requireString(name, 'name');
}

/** What the options leave to the environment: the stock exporter only warns, and goes on with something else. */
function checkEnvironment({ url, compression, timeoutMillis }: EndpointOptions): void {
  const given = environment();
  const check = (name: keyof typeof given, test: (value: string, option: string) => void) => {
    if (given[name] !== undefined) test(given[name], `OTEL_EXPORTER_OTLP_${name}`);
  };
  if (url === undefined) {
    check(given.TRACES_ENDPOINT ? 'TRACES_ENDPOINT' : 'ENDPOINT', checkUrl);
    check(given.TRACES_PROTOCOL ? 'TRACES_PROTOCOL' : 'PROTOCOL', checkProtocol);
  }
  check('HEADERS', checkHeaderList);
  check('TRACES_HEADERS', checkHeaderList);
  if (compression === undefined)
    check(given.TRACES_COMPRESSION ? 'TRACES_COMPRESSION' : 'COMPRESSION', checkCompression);
  if (timeoutMillis === undefined) {
    check(given.TRACES_TIMEOUT ? 'TRACES_TIMEOUT' : 'TIMEOUT', (value, option) =>
      checkMillis(Number(value), option, 1),
    );
  }
}

function checkUrl(url: unknown, option: string): void {
  const protocol = typeof url === 'string' && URL.canParse(url) && new URL(url).protocol;
  if (protocol !== 'http:' && protocol !== 'https:') throw badOption(option, 'an http or https URL', url);
}

/** An endpoint for gRPC speaks nothing else; one for Protobuf over HTTP takes JSON as well. */
function checkProtocol(protocol: string, option: string): void {
  if (protocol !== 'http/json' && protocol !== 'http/protobuf') {
    throw badOption(
      option,
      "'http/json' or 'http/protobuf', where no exporter is given that sends otherwise",
      protocol,
    );
  }
}

function checkHeaders(headers: unknown, option: string): void {
  // A `Headers` or a `Map` has no entries of its own: the stock exporter would send none of them.
  if (Symbol.iterator in requireObject(headers, option)) throw badOption(option, 'a plain object', headers);
  for (const [name, value] of Object.entries(headers as object)) {
    // Not the value: it may be a secret.
    if (!isHeader(name, value))
      throw badOption(`${option}[${JSON.stringify(name)}]`, 'a valid HTTP header', typeof value);
  }
}

function isHeader(name: string, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

/** `key=value,key=value`, percent-encoded. The stock exporter skips in silence what it can't read. */
function checkHeaderList(list: string, option: string): void {
  for (const [i, pair] of list.split(',').entries()) {
    if (pair.trim() === '') continue;
    const [name = '', ...value] = pair.split('=');
    let decoded: string | undefined;
    try {
      decoded = decodeURIComponent(value.join('=').trim());
    } catch {
      // Reported below.
    }
    // Not what it is: it may be a secret.
    if (!decoded) throw badOption(`pair ${i + 1} of ${option}`, 'name=value, percent-encoded', 'something else');
    checkHeaders({ [name.trim()]: decoded }, option);
  }
}

function checkCompression(compression: unknown, option: string): void {
  if (compression !== 'gzip' && compression !== 'none') throw badOption(option, "'gzip' or 'none'", compression);
}

/** `undefined` where the environment says something: the stock exporter reads it. */
function compressionFromEnvironment(): 'gzip' | undefined {
  const { TRACES_COMPRESSION, COMPRESSION } = environment();
  return TRACES_COMPRESSION || COMPRESSION ? undefined : 'gzip';
}

/** The standard variables that matter here; empty is as good as absent. */
function environment() {
  const read = (name: string) => process.env[`OTEL_EXPORTER_OTLP_${name}`]?.trim() || undefined;
  return {
    ENDPOINT: read('ENDPOINT'),
    TRACES_ENDPOINT: read('TRACES_ENDPOINT'),
    HEADERS: read('HEADERS'),
    TRACES_HEADERS: read('TRACES_HEADERS'),
    COMPRESSION: read('COMPRESSION'),
    TRACES_COMPRESSION: read('TRACES_COMPRESSION'),
    TIMEOUT: read('TIMEOUT'),
    TRACES_TIMEOUT: read('TRACES_TIMEOUT'),
    PROTOCOL: read('PROTOCOL'),
    TRACES_PROTOCOL: read('TRACES_PROTOCOL'),
  };
}
