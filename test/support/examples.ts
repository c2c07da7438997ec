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
  const { code, stdout, stderr } = await playExample(name, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...env });
  await receiver.close();
  assert.deepEqual([code, stderr, receiver.violations], [0, '', []]);
  const spans = receiver.spans();
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
  return { spans, stdout };
}

/** Runs an example to its end, as at a developer's desk. `reportedAt`: when it last wrote to stderr, in `performance.now()` time. */
export async function playExample(
  name: string,
  env: Record<string, string>,
): Promise<{ code: unknown; stdout: string; stderr: string; reportedAt: number }> {
  const others = /^(?:(?:OTEL|RUNTRACE|LANGFUSE|SENTRY)_|NODE_ENV$|NODE_TEST_CONTEXT$)/;
  const inherited = Object.entries(process.env).filter(([name]) => !others.test(name));
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url))], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let reportedAt = 0;
  child.stderr.on('data', () => {
    reportedAt = performance.now();
  });
  const [code, stdout, stderr] = await Promise.all([
    new Promise((resolve) => child.on('close', resolve)),
    buffer(child.stdout).then(String),
    buffer(child.stderr).then(String),
  ]);
  return { code, stdout, stderr, reportedAt };
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
