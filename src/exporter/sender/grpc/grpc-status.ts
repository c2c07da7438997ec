import { bytesField, integerField, readProtobuf, textField } from '../../otlp/protobuf/protobuf-reader.js';
import { boundedWait } from '../http/retry-after.js';
import { errorText, type NoBackend, type SendResult } from '../sender.js';

/** An error of a gRPC client: `code` is a gRPC status, `metadata` the trailers. */
export interface GrpcError extends Error {
  code: number;
  metadata?: { get(name: string): (string | Uint8Array)[] };
}

const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;
/** Codes that OTLP/gRPC calls retryable: cancelled, deadline exceeded, aborted, out of range, unavailable, data loss. */
const RETRYABLE = new Set([1, 4, 10, 11, UNAVAILABLE, 15]);
const RETRY_INFO = /(?:^|\/)google\.rpc\.RetryInfo$/;

/** Reads a gRPC error by the OTLP specification: https://opentelemetry.io/docs/specs/otlp/#failures */
export function readGrpcError(error: GrpcError, now: number): SendResult {
  const why = `gRPC ${errorText(error)}`;
  const wait = retryDelayMillis(error);
  // gRPC has one code for "too fast" and for "too large".
  if (error.code === RESOURCE_EXHAUSTED && /larger than max/i.test(error.message)) return { kind: 'too_large', why };
  if (!RETRYABLE.has(error.code) && !(error.code === RESOURCE_EXHAUSTED && wait !== undefined)) {
    return { kind: 'refused', why };
  }
  return {
    kind: 'retry',
    why,
    ...(wait !== undefined && { at: now + wait }),
    ...(error.code === UNAVAILABLE && noBackendOf(error.message)),
  };
}

/** gRPC tells the failure of a connection only in its text. */
function noBackendOf(message: string): { noBackend?: NoBackend } {
  if (message.includes('ECONNREFUSED')) return { noBackend: 'nothing listens there' };
  if (message.includes('Name resolution failed')) return { noBackend: 'its host is unknown' };
  // Node 26 refuses the address of a host as its name, which @grpc/grpc-js 1.14 asks for.
  if (/Last error: .*(?:certificate|SSL routines|servername)/.test(message)) {
    return { noBackend: 'no TLS connection can be made' };
  }
  return {};
}

/** The delay in the `RetryInfo` of the status details, a `google.rpc.Status` whose field 3 is a list of `Any`. */
function retryDelayMillis({ metadata }: GrpcError): number | undefined {
  const [details] = metadata?.get?.('grpc-status-details-bin') ?? [];
  if (!(details instanceof Uint8Array)) return undefined;
  try {
    for (const { number, value } of readProtobuf(details)) {
      if (number !== 3 || !(value instanceof Uint8Array)) continue;
      const any = readProtobuf(value);
      if (!RETRY_INFO.test(textField(any, 1))) continue;
      const duration = readProtobuf(
        bytesField(readProtobuf(bytesField(any, 2) ?? new Uint8Array()), 1) ?? new Uint8Array(),
      );
      return boundedWait(integerField(duration, 1) * 1000 + integerField(duration, 2) / 1e6);
    }
  } catch {
    // Details that can't be read are as good as none.
  }
  return undefined;
}
