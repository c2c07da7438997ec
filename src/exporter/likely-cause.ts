/** What a developer has probably mistaken, where a first delivery fails. */
import { doubtfulPath } from './sender/doubtful-settings.js';
import { isHttpUrl, unusableEndpoint, unusableHeader } from './sender/environment.js';

const DEFAULT = 'http://localhost:4318/v1/traces';

/** `destination`: the name of the endpoint; `what`: how it failed. `undefined` if no mistake is likely. */
export function likelyCause(destination: string, what: string): string | undefined {
  const ignored = destination === DEFAULT ? unusableEndpoint() : undefined;
  if (ignored) return ignored;
  const wrongPath = isHttpUrl(destination) ? doubtfulPath(destination) : undefined;
  if (wrongPath) return wrongPath;
  if (/\bno answer within \d{1,3} ms/.test(what))
    return 'OTEL_EXPORTER_OTLP_TIMEOUT and timeoutMillis are in milliseconds';
  if (/\bHTTP 40[45]\b/.test(what) && isHttpUrl(destination) && !destination.endsWith('/v1/traces')) {
    return 'the path is usually /v1/traces, and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and url take the URL with it';
  }
  const wantsKey = /\bHTTP 40[13]\b|\bgRPC (?:7|16) /.test(what);
  if (wantsKey || /\bHTTP 400\b/.test(what)) {
    const header = unusableHeader();
    if (header) return header;
  }
  if (wantsKey)
    return 'the key is missing or wrong: it belongs into OTEL_EXPORTER_OTLP_HEADERS, or into the option headers';
  if (/self-signed certificate|unable to (?:get local issuer|verify the first) certificate/i.test(what)) {
    return 'OTEL_EXPORTER_OTLP_CERTIFICATE takes the file of the certificate that signed it, and httpAgentOptions.ca its text';
  }
  if (/wrong version number|packet length too long/i.test(what)) return 'the endpoint speaks http, not https';
  if (/gRPC .*(?:Protocol error|404|HTTP status)/i.test(what)) {
    return 'it does not speak gRPC: OTLP over HTTP, usually on port 4318, needs the protocol http/protobuf';
  }
  if (/Parse Error: Expected HTTP|socket hang up/i.test(what)) {
    return 'the endpoint may speak https, or gRPC (usually on port 4317), and not OTLP over HTTP';
  }
  return undefined;
}
