import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { readOtlpFile } from '../exporter/otlp/file-reader.js';
import { spanBytes } from '../exporter/otlp/size.js';

export interface ReplayOptions {
  /** The whole URL. Default: what the `OTEL_EXPORTER_OTLP_*` variables say. */
  url: string | undefined;
  headers: Record<string, string>;
}

/** How much is in memory at once; a file may be larger than memory, and so may a line. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;
/** Long enough for an endpoint that restarts, short enough for a person who waits. */
const RETRY_MILLIS = 60_000;

/**
 * Sends the spans of OTLP files to an endpoint, with progress, and stops when the endpoint accepts none of what was sent last.
 * Returns the process's exit code: 0 if every span arrived.
 */
export async function replay(files: readonly string[], { url, headers }: ReplayOptions): Promise<number> {
  diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
  // These turn an application's exporter off. Who calls this command wants spans to be sent.
  delete process.env.OTEL_SDK_DISABLED;
  delete process.env.OTEL_TRACES_EXPORTER;
  // Not at the top: `show` does without it.
  const { RuntraceExporter } = await import('../exporter/exporter.js');
  const exporter = new RuntraceExporter({
    ...(url !== undefined && { url }),
    headers,
    retryTimeoutMillis: RETRY_MILLIS,
    flushTimeoutMillis: 2 * RETRY_MILLIS,
    shutdownTimeoutMillis: 2 * RETRY_MILLIS,
  });
  const unreadable: string[] = [];
  let stoppedAt: string | undefined;
  let heldBytes = 0;

  /** Returns whether the endpoint accepted any of the spans. */
  const flush = async (): Promise<boolean> => {
    const before = exporter.stats().sent.spans;
    await exporter.forceFlush();
    heldBytes = 0;
    const { spans } = exporter.stats().sent;
    if (process.stderr.isTTY) process.stderr.write(`\r${spans} spans sent`);
    return spans > before;
  };
  read: for (const file of files) {
    try {
      for await (const line of readOtlpFile(file)) {
        if ('error' in line) {
          unreadable.push(`${file}:${line.number}: ${line.error.message}`);
          continue;
        }
        for (const span of line.spans) {
          exporter.add(span);
          heldBytes += spanBytes(span);
          if (heldBytes <= MOST_HELD_BYTES || (await flush())) continue;
          stoppedAt = `${file}:${line.number}`;
          break read;
        }
      }
    } catch (error) {
      unreadable.push((error as Error).message);
    }
  }
  await flush();
  await exporter.shutdown();

  if (process.stderr.isTTY) process.stderr.write('\r');
  const { sent, dropped } = exporter.stats();
  for (const what of unreadable) process.stderr.write(`runtrace: ${what}\n`);
  if (dropped.spans > 0) {
    const where = stoppedAt ? `; stopped at ${stoppedAt}` : '';
    process.stderr.write(`runtrace: ${dropped.spans} spans were not accepted by the endpoint${where}\n`);
  }
  process.stdout.write(`Sent ${sent.spans} spans.\n`);
  return dropped.spans > 0 || unreadable.length > 0 ? 1 : 0;
}
