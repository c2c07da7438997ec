import { createRequire } from 'node:module';
import type { Clock } from '../../clock.js';
import type { GrpcEndpoint } from '../../endpoint.js';
import { encodeProtobuf } from '../../otlp/protobuf/protobuf.js';
import type { ReadableSpan } from '../../otlp/span.js';
import { requestHeaders } from '../headers.js';
import { partialFromProtobuf } from '../http/http-response.js';
import { isLoopback } from '../loopback.js';
import { redactor } from '../secrets.js';
import { errorText, type Sender, type SendResult, unwritable } from '../sender.js';
import { type GrpcError, readGrpcError } from './grpc-status.js';

/** The package whose gRPC client is used. OTLP's own exporter in it does not tell how many spans of a request were rejected. */
const PACKAGE = '@opentelemetry/exporter-trace-otlp-grpc';
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const GZIP = 2;
const NO_COMPRESSION = 0;

/** What is used of `@grpc/grpc-js`. */
interface Grpc {
  Client: new (address: string, credentials: unknown, options: object) => GrpcClient;
  Metadata: new () => { set(name: string, value: string): void };
  credentials: { createInsecure(): unknown; createSsl(ca?: Buffer, key?: Buffer, cert?: Buffer): unknown };
}

interface GrpcClient {
  makeUnaryRequest(
    path: string,
    serialize: (request: Uint8Array) => Buffer,
    deserialize: (response: Buffer) => Buffer,
    request: Uint8Array,
    metadata: unknown,
    options: { deadline: number },
    callback: (error: GrpcError | null, response?: Buffer) => void,
  ): { cancel(): void };
  close(): void;
}

/** Sends spans to an OTLP/gRPC endpoint. */
export class GrpcSender implements Sender {
  readonly isLoopback: boolean;
  readonly #endpoint: GrpcEndpoint;
  readonly #clock: Clock;
  #grpc: Grpc | undefined;
  #client: GrpcClient | undefined;

  constructor(endpoint: GrpcEndpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.isLoopback = endpoint.address.protocol === 'unix:' || isLoopback(endpoint.address.hostname);
  }

  async send(spans: readonly ReadableSpan[]): Promise<SendResult> {
    const given = await requestHeaders(this.#endpoint, this.#clock);
    if ('failure' in given) return given.failure;
    const { headers } = given;
    const redact = redactor(headers, this.#endpoint.address);
    let body: Uint8Array;
    try {
      body = await encodeProtobuf(spans);
    } catch (error) {
      return unwritable(error);
    }
    try {
      this.#grpc ??= loadGrpc();
      this.#client ??= this.#connect(this.#grpc);
      const metadata = new this.#grpc.Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const result = await this.#call(this.#client, metadata, body, spans.length);
      return 'why' in result ? { ...result, why: redact(result.why) } : result;
    } catch (error) {
      // A header that gRPC can't send is quoted in the error.
      return { kind: 'refused', why: redact(errorText(error)) };
    }
  }

  async shutdown(): Promise<void> {
    this.#client?.close();
  }

  #connect({ Client, credentials }: Grpc): GrpcClient {
    const { address, isSecure, tls, compression } = this.#endpoint;
    return new Client(
      address.protocol === 'unix:' ? address.href : address.host,
      isSecure ? credentials.createSsl(tls.ca, tls.key, tls.cert) : credentials.createInsecure(),
      {
        'grpc.default_compression_algorithm': compression === 'gzip' ? GZIP : NO_COMPRESSION,
        'grpc.primary_user_agent': 'runtrace',
      },
    );
  }

  #call(client: GrpcClient, metadata: unknown, body: Uint8Array, spanCount: number): Promise<SendResult> {
    const { timeoutMillis } = this.#endpoint;
    return new Promise((resolve) => {
      // The client's own deadline keeps the system's time; the clock's may run faster.
      const cancel = this.#clock.after(timeoutMillis, () => {
        resolve({ kind: 'retry', why: `no answer within ${timeoutMillis} ms` });
        call.cancel();
      });
      const call = client.makeUnaryRequest(
        EXPORT,
        (request) => Buffer.from(request),
        (response) => response,
        body,
        metadata,
        { deadline: Date.now() + timeoutMillis },
        (error, response) => {
          cancel();
          resolve(error ? readGrpcError(error, this.#clock.now()) : readGrpcSuccess(response, spanCount));
        },
      );
    });
  }
}

function readGrpcSuccess(response: Buffer | undefined, spanCount: number): SendResult {
  const partial = partialFromProtobuf(response ?? new Uint8Array());
  const count = Math.min(spanCount, partial?.rejectedSpans ?? 0);
  if (!partial || count < 0 || (count === 0 && !partial.errorMessage)) return { kind: 'accepted' };
  return { kind: 'rejected', count, why: partial.errorMessage || 'no reason given' };
}

/** The gRPC client that the exporter package depends on, found from there: pnpm and Yarn PnP show it only to that package. */
function loadGrpc(): Grpc {
  try {
    const exporter = createRequire(import.meta.url).resolve(PACKAGE);
    const base = createRequire(exporter).resolve('@opentelemetry/otlp-grpc-exporter-base');
    return createRequire(base)('@grpc/grpc-js') as Grpc;
  } catch (cause) {
    throw new Error(`the protocol grpc needs ${PACKAGE} to be installed`, { cause });
  }
}
