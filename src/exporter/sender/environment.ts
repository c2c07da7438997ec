import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { environment } from '../../util/platform.js';
import { withoutLastSlashes } from '../../util/url-parts.js';
import { reportWrongSetting } from '../reports.js';
import { checkValues } from './doubtful-settings.js';

/*
 * The standard variables for OTLP: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 *
 * `OTEL_EXPORTER_OTLP_TRACES_X` goes before `OTEL_EXPORTER_OTLP_X`. A value that makes no sense is reported and ignored, so that
 * an application starts all the same. A report names the variable and never quotes its value, which may be a secret.
 */

export type Protocol = 'http/protobuf' | 'http/json' | 'grpc';
export const PROTOCOLS: readonly Protocol[] = ['http/protobuf', 'http/json', 'grpc'];

/** What TLS needs, as PEM. */
export interface TlsFiles {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/** Whether the environment turns exporting off, for an exporter whose endpoint is not given in code. */
export function isExportDisabled(): boolean {
  return environment('OTEL_TRACES_EXPORTER')?.toLowerCase() === 'none';
}

/** Whether the environment turns OpenTelemetry off. */
export function isSdkDisabled(): boolean {
  return environment('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
}

export function protocolFromEnvironment(): Protocol | undefined {
  return first('PROTOCOL', (name, value) => {
    const protocol = PROTOCOLS.find((it) => it === value.toLowerCase());
    if (!protocol) ignore(name, `must be one of ${PROTOCOLS.join(', ')}`);
    return protocol;
  });
}

/** The URL for HTTP, path included, or the address for gRPC. `isWrong` if a variable was given and none could be used. */
export function endpointFromEnvironment(protocol: Protocol): { url: string | undefined; isWrong: boolean } {
  let isWrong = false;
  const url = first('ENDPOINT', (name, value) => {
    if (!(protocol === 'grpc' ? readGrpcAddress(value) !== undefined : isHttpUrl(value))) {
      isWrong = true;
      ignore(name, WANTED_ENDPOINT);
      return undefined;
    }
    if (protocol === 'grpc' || name.includes('TRACES')) return value;
    const base = new URL(value);
    base.pathname = `${withoutLastSlashes(base.pathname)}/v1/traces`;
    return base.href;
  });
  return { url, isWrong: isWrong && url === undefined };
}

const WANTED_ENDPOINT = 'must be an http or https URL, such as http://localhost:4318, without quotes';

/** What is wrong with the first endpoint of OTLP/HTTP in the environment that can't be used. */
export function unusableEndpoint(): string | undefined {
  const name = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].find((it) => {
    const value = environment(it);
    return value !== undefined && !isHttpUrl(value);
  });
  return name && ignored(name, WANTED_ENDPOINT);
}

export function compressionFromEnvironment(): 'gzip' | 'none' | undefined {
  return first('COMPRESSION', (name, value) => {
    const compression = (['gzip', 'none'] as const).find((it) => it === value.toLowerCase());
    if (!compression) ignore(name, "must be 'gzip' or 'none'");
    return compression;
  });
}

export function timeoutFromEnvironment(): number | undefined {
  return first('TIMEOUT', (name, value) => {
    const millis = Number(value);
    if (millis >= 1 && millis < 2 ** 31) return millis;
    ignore(name, 'must be a number of milliseconds');
    return undefined;
  });
}

/** Of both variables together; that for traces goes before. */
export function headersFromEnvironment(): Record<string, string> {
  const lists = HEADER_VARIABLES.map(headerList);
  for (const [i, { headers, unusable }] of lists.entries()) {
    for (const [pair, wants] of unusable) ignore(pair, wants);
    checkValues(HEADER_VARIABLES[i] as string, headers);
  }
  return Object.assign({}, ...lists.map(({ headers }) => headers));
}

/** What is wrong with the first header in the environment that can't be used. */
export function unusableHeader(): string | undefined {
  const [first] = HEADER_VARIABLES.flatMap((name) => headerList(name).unusable);
  return first && ignored(...first);
}

const HEADER_VARIABLES = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'] as const;

/** Whether gRPC goes without TLS, where the address does not say so. */
export function isInsecureInEnvironment(): boolean {
  return first('INSECURE', (_, value) => value.toLowerCase() === 'true') ?? false;
}

/** Reads the files at once, so that what is wrong is reported at start. */
export function tlsFromEnvironment(): TlsFiles {
  const ca = pemFile('CERTIFICATE', (pem) => new X509Certificate(pem));
  const cert = pemFile('CLIENT_CERTIFICATE', (pem) => new X509Certificate(pem));
  const key = pemFile('CLIENT_KEY', (pem) => createPrivateKey(pem));
  return { ...(ca && { ca: ca.pem }), ...clientOf(cert, key) };
}

/** One without the other, or a key of another certificate, would fail each request. */
function clientOf(cert: PemFile | undefined, key: PemFile | undefined): TlsFiles {
  if (cert && key) {
    if (new X509Certificate(cert.pem).checkPrivateKey(createPrivateKey(key.pem)))
      return { cert: cert.pem, key: key.pem };
    ignore(key.name, `must be the key of the certificate in ${cert.name}`);
  }
  if (cert && !key) ignore(cert.name, 'needs a key in OTEL_EXPORTER_OTLP_CLIENT_KEY');
  if (key && !cert) ignore(key.name, 'needs a certificate in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE');
  return {};
}

export function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol } = new URL(value);
  return protocol === 'http:' || protocol === 'https:';
}

/** Where a gRPC endpoint is. */
export interface GrpcAddress {
  readonly url: URL;
  /** Whether it goes over TLS; `undefined` if the address does not say. */
  readonly isSecure: boolean | undefined;
}

/** Reads a URL of http, https or unix, or `host:port` alone; `undefined` if the text is neither. */
export function readGrpcAddress(text: string): GrpcAddress | undefined {
  const hasScheme = /^(?:https?|unix):/i.test(text);
  const href = hasScheme ? text : `http://${text}`;
  // Any other scheme would count as a host.
  if (!URL.canParse(href) || (!hasScheme && text.includes('://'))) return undefined;
  const url = new URL(href);
  return { url, isSecure: hasScheme ? url.protocol === 'https:' : undefined };
}

/** Whether HTTP can carry the header. */
export function isHeader(name: string, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

/** The variable for traces, else the one for all signals. `read` returns `undefined` for a value that can't be used. */
function first<T>(suffix: string, read: (name: string, value: string) => T | undefined): T | undefined {
  for (const name of [`OTEL_EXPORTER_OTLP_TRACES_${suffix}`, `OTEL_EXPORTER_OTLP_${suffix}`]) {
    const value = environment(name);
    const result = value === undefined ? undefined : read(name, value);
    if (result !== undefined) return result;
  }
  return undefined;
}

/** `name=value,name=value`, with percent-encoded values. */
function headerList(variable: string): { headers: Record<string, string>; unusable: [pair: string, wants: string][] } {
  const headers: Record<string, string> = {};
  const unusable: [string, string][] = [];
  for (const [i, pair] of (environment(variable) ?? '').split(',').entries()) {
    if (pair.trim() === '') continue;
    const [name = '', ...rest] = pair.split('=');
    const value = decoded(rest.join('=').trim());
    if (value === undefined || !isHeader(name.trim(), value)) {
      unusable.push([`pair ${i + 1} of ${variable}`, 'must be name=value, percent-encoded, without quotes']);
    } else if (value === '') {
      unusable.push([`pair ${i + 1} of ${variable}`, 'must have a value']);
    } else {
      headers[name.trim().toLowerCase()] = value;
    }
  }
  return { headers, unusable };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

interface PemFile {
  /** The variable. */
  readonly name: string;
  readonly pem: Buffer;
}

function pemFile(suffix: string, check: (pem: Buffer) => unknown): PemFile | undefined {
  return first(suffix, (name, path) => {
    try {
      const pem = readFileSync(path);
      const complaint = complaintAbout(pem, check);
      if (complaint === undefined) return { name, pem };
      ignore(name, `must be the path of a PEM file; what is in ${path} ${complaint}`);
    } catch (error) {
      ignore(name, `must be the path of a file that can be read (${(error as NodeJS.ErrnoException).code})`);
    }
    return undefined;
  });
}

function complaintAbout(pem: Buffer, check: (pem: Buffer) => unknown): string | undefined {
  try {
    check(pem);
    return undefined;
  } catch {
    // OpenSSL's error does not tell: it says that asking for the passphrase was interrupted.
    return pem.includes('ENCRYPTED') ? 'needs a passphrase' : 'is none';
  }
}

function ignore(what: string, wants: string): void {
  reportWrongSetting(ignored(what, wants));
}

function ignored(what: string, wants: string): string {
  return `${what} ${wants}; it is ignored`;
}
