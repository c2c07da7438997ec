import { guarded } from '../../util/diagnostics.js';
import type { Clock } from '../clock.js';
import { sendableSpan } from '../otlp/sendable.js';
import type { ExportResult, ReadableSpan, SpanExporter } from '../otlp/span.js';
import { type GrpcError, readGrpcError } from './grpc/grpc-status.js';
import { RETRYABLE } from './http/http-response.js';
import { errorText, type Sender, type SendResult, unwritable } from './sender.js';

/** An exporter that has not called back within that time has failed. OpenTelemetry's own give up after ten seconds by default. */
const TIMEOUT_MILLIS = 60_000;
/** HTTP's statuses begin here; gRPC's codes end at 16. */
const FIRST_HTTP_STATUS = 100;

/** Sends spans through an exporter that the application gave. Its callback is all that is known of the endpoint. */
export class ExporterSender implements Sender {
  readonly isLoopback = false;
  readonly #exporter: SpanExporter;
  readonly #clock: Clock;

  constructor(exporter: SpanExporter, clock: Clock) {
    this.#exporter = exporter;
    this.#clock = clock;
  }

  send(spans: readonly ReadableSpan[]): Promise<SendResult> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(TIMEOUT_MILLIS, () =>
        resolve({ kind: 'retry', why: `the exporter did not call back within ${TIMEOUT_MILLIS} ms` }),
      );
      const done = (result: SendResult) => {
        cancel();
        resolve(result);
      };
      try {
        // OpenTelemetry's JSON exporter can't write every number.
        this.#exporter.export(spans.map(sendableSpan), (result) => done(readExportResult(result, this.#clock.now())));
      } catch (error) {
        // OpenTelemetry's own throw where their serializer does.
        done(unwritable(error));
      }
    });
  }

  sendSync(spans: readonly ReadableSpan[]): boolean {
    const sent = guarded('an exporter could not send what was left when the process ended', () => {
      this.#exporter.exportSync?.(spans.map(sendableSpan));
      return this.#exporter.exportSync !== undefined;
    });
    return sent ?? false;
  }

  async shutdown(): Promise<void> {
    await this.#exporter.shutdown();
  }
}

/**
 * Reads what an exporter called back, by the OTLP specification. An error without a number is the network's, or one that the
 * exporter has retried itself (OpenTelemetry's HTTP exporter gives no status for 429 and 503): both may pass.
 */
export function readExportResult(result: ExportResult | undefined, now: number): SendResult {
  if (result?.code === 0) return { kind: 'accepted' };
  const error = (result?.error ?? new Error('the exporter gave no reason')) as Error & { code?: unknown };
  const why = errorText(error);
  // OpenTelemetry's exporters have a `concurrencyLimit`; what they say above it is not the endpoint's answer.
  if (/concurrent export limit/i.test(error.message)) return { kind: 'busy' };
  const { code } = error;
  if (typeof code !== 'number') return { kind: 'retry', why };
  if (code < FIRST_HTTP_STATUS) return readGrpcError(error as GrpcError, now);
  if (code === 413) return { kind: 'too_large', why: `HTTP ${code}: ${why}` };
  return { kind: RETRYABLE.has(code) ? 'retry' : 'refused', why: `HTTP ${code}: ${why}` };
}
