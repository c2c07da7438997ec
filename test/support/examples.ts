/** Runs a program of `examples`, and reads what it exported. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.js';

/** Runs an example to its end, and returns what it exported: everything valid, nothing twice, no complaint. */
export async function runExample(
  name: string,
  env: Record<string, string> = {},
): Promise<{ spans: readonly ReceivedSpan[]; stdout: string }> {
  const receiver = await startOtlpReceiver();
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:OTEL|RUNTRACE|LANGFUSE|SENTRY)_/.test(name));
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url))], {
    env: {
      ...Object.fromEntries(inherited),
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([
    new Promise((resolve) => child.on('close', resolve)),
    buffer(child.stdout).then(String),
    buffer(child.stderr).then(String),
  ]);
  const [code, stdout, stderr] = await ended;
  await receiver.close();
  assert.deepEqual([code, stderr, receiver.violations], [0, '', []]);
  const spans = receiver.spans();
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
  return { spans, stdout };
}

/** The roots last. */
export function ordered(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  const isRoot = (span: ReceivedSpan) => Number(!span.parentSpanId);
  return [...spans].sort((a, b) => isRoot(a) - isRoot(b) || Number(a.startTimeUnixNano - b.startTimeUnixNano));
}

export function statusOf(span: ReceivedSpan | undefined): unknown {
  return span?.attributes['runtrace.status'];
}

export function codesOf(span: ReceivedSpan | undefined): unknown {
  const codes = span?.attributes['runtrace.step.attempt_codes'];
  return codes === undefined ? undefined : String(codes).split(' ');
}
