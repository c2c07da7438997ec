/** What a developer has probably mistaken, where a first delivery fails. */
import { environment } from '../util/platform.js';

const DEFAULT = 'http://localhost:4318/v1/traces';

/** `destination`: the name of the endpoint; `what`: how it failed. `undefined` if no mistake is likely. */
export function likelyCause(destination: string, what: string): string | undefined {
  if (destination === DEFAULT) {
    const ignored = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].find(isNoUrl);
    if (ignored) return `${ignored} was ignored, because it is not an http or https URL`;
  }
  if (/\/v1\/traces\/v1\/traces$/.test(destination)) {
    return 'OTEL_EXPORTER_OTLP_ENDPOINT takes the URL without /v1/traces, or set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
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

function isNoUrl(name: string): boolean {
  const value = environment(name);
  return value !== undefined && !/^https?:\/\/./i.test(value);
}
