import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { parseRequest } from '../../exporter/otlp/json-reader.js';
import type { WireRequest } from '../../exporter/otlp/protobuf/wire.js';
import { readProtobufRequest } from './protobuf-request.js';
import { RequestError } from './request-body.js';
import { NoSpanError, originOf, recordOf, type SpanRecord } from './span-record.js';

/** The formats of OTLP/HTTP. */
export type OtlpFormat = 'json' | 'protobuf';

/** The spans of a request, and what was not taken. */
export interface Received {
  readonly records: SpanRecord[];
  readonly rejectedSpans: number;
  /** Why the first of them was rejected. */
  readonly errorMessage: string;
}

/**
 * The format that a content type names.
 *
 * @throws RequestError for any other. A page of another site can send `text/plain` and forms without being asked.
 */
export function formatOf(contentType: string | undefined): OtlpFormat {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return 'json';
  if (type === 'application/x-protobuf') return 'protobuf';
  throw new RequestError(415, 'the content-type must be application/json or application/x-protobuf');
}

/**
 * Reads an OTLP trace request. A span that can't be read does not stop the others.
 *
 * @throws RequestError if nothing of it can be read.
 */
export function readOtlp(body: Buffer, format: OtlpFormat): Received {
  let request: WireRequest;
  try {
    request = format === 'json' ? parseRequest(body.toString('utf8')) : readProtobufRequest(body);
  } catch (error) {
    // The messages of these readers quote nothing; another error is a RangeError of Protobuf's reader.
    throw new RequestError(400, error instanceof SyntaxError ? error.message : 'not an OTLP trace request in Protobuf');
  }
  return readSpans(request);
}

/** The spans of a request in the JSON mapping. */
export function readSpans(request: WireRequest): Received {
  const records: SpanRecord[] = [];
  let rejectedSpans = 0;
  let errorMessage = '';
  const attempt = (read: () => void) => {
    try {
      read();
    } catch (error) {
      rejectedSpans++;
      errorMessage ||= error instanceof NoSpanError ? error.message : 'a field has the wrong type';
    }
  };
  for (const ofResource of request.resourceSpans ?? []) {
    attempt(() => {
      for (const ofScope of ofResource.scopeSpans ?? []) {
        attempt(() => {
          const origin = originOf(ofResource.resource, ofScope.scope);
          for (const span of ofScope.spans ?? []) attempt(() => records.push(recordOf(span, origin)));
        });
      }
    });
  }
  return { records, rejectedSpans, errorMessage };
}

/** The body of the answer, in the format of the request. */
export function otlpAnswer({ rejectedSpans, errorMessage }: Received, format: OtlpFormat): string | Buffer {
  if (format === 'json')
    return JSON.stringify(
      rejectedSpans > 0 ? { partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage } } : {},
    );
  if (rejectedSpans === 0) return Buffer.alloc(0);
  // ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } }
  const message = new BinaryWriter().uint32(0x08).int64(rejectedSpans).uint32(0x12).string(errorMessage).finish();
  return Buffer.from(new BinaryWriter().uint32(0x0a).bytes(message).finish());
}
