import { DiagLogLevel, diag } from '@opentelemetry/api';
import { readOtlpFile } from '../exporter/otlp/file-reader.js';
import { spanBytes } from '../exporter/otlp/size.js';
import { complain, messageOf, printLine, showProgress, terminalLogger } from './terminal.js';

export interface ReplayOptions {
  /** The whole URL. Default: the endpoint of the `OTEL_EXPORTER_OTLP_*` variables. */
  url: string | undefined;
  headers: Record<string, string>;
}

/** The most bytes of spans that are queued at once. Files may be larger than memory, and so may a line. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** Covers the restart of an endpoint, and is not too long for a user at a terminal. */
const RETRY_TIMEOUT_MILLIS = 60_000;

/**
 * Sends the spans in OTLP files to an endpoint. Stops when the endpoint accepts none of the spans that were sent last. Returns the exit
 * code of the process: 0 if every span arrived.
 */
export async function replay(files: readonly string[], { url, headers }: ReplayOptions): Promise<number> {
  diag.setLogger(terminalLogger, DiagLogLevel.WARN);
  // This command prints its own messages.
  process.env.RUNTRACE_WARNINGS = 'off';
  // These variables switch the exporter of an application off. This command is run to send.
  delete process.env.OTEL_SDK_DISABLED;
  delete process.env.OTEL_TRACES_EXPORTER;
  // Imported here because `show` needs no sender.
  const { RuntraceExporter } = await import('../exporter/exporter.js');
  const exporter = new RuntraceExporter({
    ...(url !== undefined && { url }),
    headers,
    retryTimeoutMillis: RETRY_TIMEOUT_MILLIS,
    flushTimeoutMillis: 2 * RETRY_TIMEOUT_MILLIS,
    shutdownTimeoutMillis: 2 * RETRY_TIMEOUT_MILLIS,
  });
  const unreadable: string[] = [];
  let stoppedAt: string | undefined;
  let queuedBytes = 0;

  /** Returns whether the endpoint accepted any of the spans. */
  const flush = async (): Promise<boolean> => {
    const before = exporter.stats().sent.spans;
    await exporter.forceFlush();
    queuedBytes = 0;
    const { spans } = exporter.stats().sent;
    showProgress(`${spans} spans sent`);
    return spans > before;
  };
  reading: for (const file of files) {
    try {
      for await (const line of readOtlpFile(file)) {
        if ('error' in line) {
          unreadable.push(`${file}:${line.number}: ${messageOf(line.error)}`);
          continue;
        }
        for (const span of line.spans) {
          exporter.add(span);
          queuedBytes += spanBytes(span);
          if (queuedBytes <= MAX_QUEUED_BYTES || (await flush())) continue;
          stoppedAt = `${file}:${line.number}`;
          break reading;
        }
      }
    } catch (error) {
      unreadable.push(messageOf(error));
    }
  }
  await flush();
  await exporter.shutdown();

  showProgress('');
  const { sent, dropped } = exporter.stats();
  for (const message of unreadable) complain(message);
  if (dropped.spans > 0) {
    const where = stoppedAt ? `; stopped at ${stoppedAt}` : '';
    complain(`the endpoint did not accept ${dropped.spans} spans${where}`);
  }
  printLine(`Sent ${sent.spans} spans.`);
  return dropped.spans > 0 || unreadable.length > 0 ? 1 : 0;
}
