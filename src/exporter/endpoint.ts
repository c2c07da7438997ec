import type { Agent } from 'node:http';
import { badOption, badUnquoted, checkMillis, requireObject, requireString } from '../util/validation.js';
import type { StockHttpOptions } from './otlp/protobuf/library.js';
import { reportSetting, reportWrongSetting } from './reports.js';
import { checkNames, checkValues, doubtfulPath } from './sender/doubtful-settings.js';
import {
  compressionFromEnvironment,
  endpointFromEnvironment,
  type GrpcAddress,
  headersFromEnvironment,
  isHeader,
  isHttpUrl,
  isInsecureInEnvironment,
  PROTOCOLS,
  type Protocol,
  protocolFromEnvironment,
  readGrpcAddress,
  type TlsFiles,
  timeoutFromEnvironment,
  tlsFromEnvironment,
} from './sender/environment.js';

/** An OTLP endpoint. An option that is not given is taken from the standard `OTEL_EXPORTER_OTLP_*` variables. */
export interface EndpointOptions extends StockHttpOptions {
  /**
   * The whole URL, path included. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT` and
   * `/v1/traces`, else `http://localhost:4318/v1/traces`. For `grpc`: the address, by default `http://localhost:4317`;
   * `http` means no TLS.
   */
  url?: string | undefined;
  /**
   * How spans are sent. Default: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL`, or `http/protobuf`. `grpc` needs
   * `@opentelemetry/exporter-trace-otlp-grpc` to be installed; from the environment it counts only if no `url` is given.
   */
  protocol?: 'http/protobuf' | 'http/json' | 'grpc' | undefined;
  /** How requests are compressed. Default: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`, or `gzip`. */
  compression?: 'gzip' | 'none' | undefined;
  /**
   * How long a request may take, from the look-up of the host to the last byte of the answer, in milliseconds. Default:
   * `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, `OTEL_EXPORTER_OTLP_TIMEOUT`, or 10 000.
   */
  timeoutMillis?: number | undefined;
  /** The endpoint's name in `stats()`, metrics, reports and the spool's directory. Default: its URL, without credentials and query. */
  name?: string | undefined;
}

interface CommonEndpoint {
  readonly name: string;
  readonly url: string;
  readonly compression: 'gzip' | 'none';
  readonly timeoutMillis: number;
  /** Asked for each request: a token may be renewed. */
  headers(): Promise<Record<string, string>>;
}

/** An endpoint that speaks OTLP/HTTP. */
export interface HttpEndpoint extends CommonEndpoint {
  readonly protocol: 'http';
  readonly format: 'protobuf' | 'json';
  agent(protocol: string): Promise<Agent>;
  /** Whether the agent is ours to close. */
  readonly ownsAgent: boolean;
}

/** An endpoint that speaks OTLP/gRPC. */
export interface GrpcEndpoint extends CommonEndpoint {
  readonly protocol: 'grpc';
  readonly address: URL;
  readonly isSecure: boolean;
  readonly tls: TlsFiles;
}

const HTTP_DEFAULT = 'http://localhost:4318/v1/traces';
const GRPC_DEFAULT = 'http://localhost:4317';
const DEFAULT_TIMEOUT_MILLIS = 10_000;

/**
 * What the options and the environment say together. A variable that makes no sense is reported and ignored.
 *
 * @throws TypeError that names the option, if one can't be used.
 */
export function resolveEndpoint(options: EndpointOptions): HttpEndpoint | GrpcEndpoint {
  checkEndpoint(options);
  const protocol = protocolOf(options);
  const { url, environmentHeaders } = urlOf(options, protocol);
  const { headers } = options;
  if (typeof headers === 'object') checkValues('headers', headers);
  const common = {
    url,
    name: options.name || nameOf(url),
    compression: options.compression ?? compressionFromEnvironment() ?? 'gzip',
    timeoutMillis: options.timeoutMillis ?? timeoutFromEnvironment() ?? DEFAULT_TIMEOUT_MILLIS,
    headers: async () => {
      const given = typeof headers === 'function' ? await headers() : (headers ?? {});
      return { ...environmentHeaders, ...lowerCased(given) };
    },
  };
  const tls = tlsFromEnvironment();
  if (protocol === 'grpc') {
    const address = readGrpcAddress(url) as GrpcAddress;
    const isSecure = address.isSecure ?? !isInsecureInEnvironment();
    return { ...common, protocol, address: address.url, isSecure, tls: { ...tls, ...tlsOf(options.httpAgentOptions) } };
  }
  const wrongPath = doubtfulPath(url);
  if (wrongPath) reportWrongSetting(wrongPath);
  const format = protocol === 'http/json' ? 'json' : 'protobuf';
  const { httpAgentOptions } = options;
  const ownsAgent = typeof httpAgentOptions !== 'function';
  return { ...common, protocol: 'http', format, ownsAgent, agent: (it) => makeAgent(it, httpAgentOptions, tls) };
}

function protocolOf({ url, protocol }: EndpointOptions): Protocol {
  if (protocol) return protocol;
  const given = protocolFromEnvironment() ?? 'http/protobuf';
  // A URL with a path is not gRPC's, and the code that gives it can say so.
  return given === 'grpc' && url !== undefined ? 'http/protobuf' : given;
}

function urlOf({ url }: EndpointOptions, protocol: Protocol) {
  const environmentHeaders = headersFromEnvironment();
  if (url !== undefined) return { url: url.trim(), environmentHeaders };
  checkNames();
  const found = endpointFromEnvironment(protocol);
  if (found.url !== undefined) return { url: found.url, environmentHeaders };
  const fallback = protocol === 'grpc' ? GRPC_DEFAULT : HTTP_DEFAULT;
  if (!found.isWrong) return { url: fallback, environmentHeaders };
  // The headers were meant for another host, and may hold its key.
  reportSetting(
    `no endpoint in the environment can be used; spans go to ${fallback}, without the headers from the environment`,
  );
  return { url: fallback, environmentHeaders: {} };
}

/** No query, no credentials. */
function nameOf(url: string): string {
  if (/^unix:/i.test(url)) return url;
  if (!isHttpUrl(url)) return new URL(`http://${url}`).host;
  const { origin, pathname } = new URL(url);
  return pathname === '/' ? origin : origin + pathname;
}

async function makeAgent(protocol: string, given: EndpointOptions['httpAgentOptions'], tls: TlsFiles): Promise<Agent> {
  if (typeof given === 'function') return given(protocol);
  const { Agent } = protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Agent({ keepAlive: true, ...tls, ...given });
}

function tlsOf(agentOptions: EndpointOptions['httpAgentOptions']): TlsFiles {
  if (typeof agentOptions !== 'object') return {};
  const given = agentOptions as { ca?: unknown; cert?: unknown; key?: unknown };
  const tls: TlsFiles = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const pem = given[name];
    if (typeof pem === 'string' || pem instanceof Uint8Array) tls[name] = Buffer.from(pem);
  }
  return tls;
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** No message quotes a URL or a header's value: both may hold a secret. */
function checkEndpoint(options: EndpointOptions): void {
  const { url, headers, httpAgentOptions, protocol, compression, timeoutMillis, name } = options;
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) {
    throw badOption('protocol', `one of ${PROTOCOLS.map((it) => `'${it}'`).join(', ')}`, protocol);
  }
  if (url !== undefined) checkUrl(url, protocol === 'grpc');
  if (headers !== undefined && typeof headers !== 'function') checkHeaders(headers);
  if (typeof httpAgentOptions !== 'function' && httpAgentOptions !== undefined) {
    requireObject(httpAgentOptions, 'httpAgentOptions');
  }
  if (compression !== undefined && compression !== 'gzip' && compression !== 'none') {
    throw badOption('compression', "'gzip' or 'none'", compression);
  }
  checkMillis(timeoutMillis, 'timeoutMillis', 1);
  if (name !== undefined) requireString(name, 'name');
}

function checkUrl(url: unknown, isGrpc: boolean): void {
  if (typeof url === 'string' && (isGrpc ? readGrpcAddress(url.trim()) : isHttpUrl(url))) return;
  const wants = 'an http or https URL, as a string';
  throw typeof url === 'string' ? badUnquoted('url', wants, 'another text') : badOption('url', wants, url);
}

function checkHeaders(headers: unknown): void {
  if (typeof headers === 'string') throw badUnquoted('headers', 'an object', 'a text');
  // A `Headers` or a `Map` has no entries of its own: none of them would be sent.
  if (Symbol.iterator in requireObject(headers, 'headers')) throw badOption('headers', 'a plain object', headers);
  for (const [i, [name, value]] of Object.entries(headers as object).entries()) {
    // A name that is none may be a whole header line, with its value.
    if (!isHeader(name, '')) throw badUnquoted(`name ${i + 1} of headers`, 'a valid HTTP header name', 'another text');
    if (isHeader(name, value)) continue;
    throw badUnquoted(`headers[${JSON.stringify(name)}]`, 'a valid HTTP header value', kindOf(value));
  }
}

function kindOf(value: unknown): string {
  return typeof value === 'string' ? 'another text' : `a value of the type ${typeof value}`;
}
