import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { readOtlpFile } from '../exporter/otlp/file-reader.js';
import { spanBytes } from '../exporter/otlp/size.js';

export interface ReplayOptions {
  /** The whole URL. Default: what the `OTEL_EXPORTER_OTLP_*` variables say. */
  url: string | undefined;
  headers: Record<string, string>;
}

/** How much may be under way; files may be larger than memory, and so may a line. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;
/** Long enough for an endpoint that restarts, short enough for somebody who waits. */
const PATIENCE_MILLIS = 60_000;

/**
 * Sends what is in OTLP files to an endpoint, with progress, and stops where the endpoint takes no more. Returns the process's
 * exit code: 0 if every span arrived.
 */
export async function replay(files: readonly string[], { url, headers }: ReplayOptions): Promise<number> {
  diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
  // Not at the top: the sender is an optional peer, and `show` does without.
  const { RuntraceExporter } = await import('../exporter/exporter.js');
  const exporter = new RuntraceExporter({
    ...(url !== undefined && { url }),
    headers,
    retryTimeoutMillis: PATIENCE_MILLIS,
    flushTimeoutMillis: 2 * PATIENCE_MILLIS,
    shutdownTimeoutMillis: 2 * PATIENCE_MILLIS,
  });
  const unreadable: string[] = [];
  let stoppedAt: string | undefined;
  let heldBytes = 0;

  const isLost = () => exporter.stats().dropped.spans > 0;
  const flush = async () => {
    await exporter.forceFlush();
    heldBytes = 0;
    if (process.stderr.isTTY) process.stderr.write(`\r${exporter.stats().sent.spans} spans sent`);
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
          if (heldBytes <= MOST_HELD_BYTES) continue;
          await flush();
          if (!isLost()) continue;
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
  if (isLost()) {
    const where = stoppedAt ? `; stopped at ${stoppedAt}` : '';
    process.stderr.write(`runtrace: ${dropped.spans} spans were not taken by the endpoint${where}\n`);
  }
  process.stdout.write(`Sent ${sent.spans} spans.\n`);
  return isLost() || unreadable.length > 0 ? 1 : 0;
}
