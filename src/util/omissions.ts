import { diag } from '@opentelemetry/api';
import { environment } from './platform.js';
import { mismatch } from './validation.js';

/**
 * What a developer can forget, and the cure. The code is that of the warning, and a row of docs/troubleshooting.md.
 */
const OMISSIONS = {
  RUNTRACE_NO_PROVIDER:
    'runs are not recorded, because no OpenTelemetry SDK is registered; start one before the first run: ' +
    'new NodeSDK({ spanProcessors: [new RuntraceSpanProcessor()] }).start()',
  RUNTRACE_LATE_PROVIDER:
    'the OpenTelemetry SDK was started after the first run, so the runs before it are not recorded; start it first, ' +
    'for example with node --import ./instrumentation.js',
  RUNTRACE_API_VERSIONS:
    'runs are not recorded, because this process has several versions of @opentelemetry/api and the SDK is registered with an older ' +
    'one; make npm install a single version (npm ls @opentelemetry/api shows them)',
  RUNTRACE_SDK_VERSION:
    'runtrace needs version 2 or later of the OpenTelemetry SDK; this one is version 1, and its spans cannot be exported correctly',
  RUNTRACE_NO_EXPORTER:
    'runs are recorded and then discarded, because the provider has no span processor that exports (beside spanProcessors, NodeSDK ' +
    'ignores traceExporter); add new RuntraceSpanProcessor(), with { exporter } for an exporter of your own, to spanProcessors',
  RUNTRACE_NO_PROCESSOR:
    'runs are recorded without the status-priority rule at the exporter, and those that end right before the shutdown are lost, because ' +
    'the provider has no StatusPrioritySpanProcessor; use new RuntraceSpanProcessor(), or list new StatusPrioritySpanProcessor() first ' +
    'in spanProcessors',
  RUNTRACE_PROCESSOR_NOT_FIRST:
    'list RuntraceSpanProcessor, or StatusPrioritySpanProcessor, first in spanProcessors; the processors before it see spans without ' +
    'their outcome, and not those that settle at the shutdown',
  RUNTRACE_NO_CONTEXT_MANAGER:
    'no context manager is registered, so only run.step() and step.fetch know their run; register one (NodeSDK and ' +
    'NodeTracerProvider do; else context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))',
  RUNTRACE_NO_RUN:
    'a step(), a tool() or a call by recordingFetch was made outside of a run, so it is not recorded; put run({ kind }, fn) around it, or, with ' +
    'runtrace/register, set RUNTRACE_IMPLICIT_RUNS=true (or =false, if that is what you want)',
  RUNTRACE_NO_RECORDING_FETCH:
    'a run ended without a step although the global fetch called a model provider in it; give the client the recording fetch: ' +
    'new OpenAI({ fetch: recordingFetch }), or start node with --import runtrace/register',
  RUNTRACE_UNREAD_CALL:
    'a run ended without a step although a POST passed through recordingFetch in it; runtrace did not recognize it as a model call; ' +
    'record such calls with wrapFetch(fetch, { unknown: "step" }), or put step({ model }, fn) around them',
  RUNTRACE_STEP_WITHOUT_ATTEMPT:
    'a step completed without an attempt; if it makes HTTP calls, give the client the recording fetch (or step.fetch), or record ' +
    'them with step.attempts.record()',
  RUNTRACE_CALL_AFTER_RUN:
    'a model call was made after its run had settled, so it is not recorded; await or return the call in the function of run()',
  RUNTRACE_UNKNOWN_VALUE: 'a variable of the environment is ignored',
  RUNTRACE_WRONG_SETTING: 'a setting of the exporter looks wrong',
  RUNTRACE_DELIVERY_FAILED: 'the first delivery of spans failed; npx runtrace doctor shows what the endpoint answers',
  RUNTRACE_NOT_FLUSHED:
    'the process ended with spans that were not sent; call await sdk.shutdown() before it ends, or give the exporter a spool',
} as const;

/** The code of a warning that runtrace emits once per process. */
export type OmissionCode = keyof typeof OMISSIONS;

const reported = new Set<string>();

/** Whether this omission was reported already. `once`: its code, or what is reported once in its place. */
export function isReported(once: OmissionCode | (string & {})): boolean {
  return reported.has(once);
}

let isMuted = false;

/** For a program whose developer does not know that runtrace records it: nothing was omitted. */
export function muteOmissions(): void {
  isMuted = true;
}

/**
 * Reports an omission by the developer once per process: through `diag` always, and as a warning of the process where a developer is
 * likely to read it. `detail` names what was seen; it must not contain a secret. `atExit`: the process is ending, so a warning that waits
 * for the next turn of the event loop would not be printed. `once`: what is reported once, if not the code. `isDiagTold`: `diag` has it already.
 */
export function reportOmission(
  code: OmissionCode,
  detail?: string,
  { atExit = false, once = code as string, isDiagTold = false } = {},
): void {
  if (isMuted || reported.has(once)) return;
  reported.add(once);
  const message = `runtrace: ${OMISSIONS[code]}${detail ? ` (${detail})` : ''}`;
  try {
    if (!isDiagTold) diag.warn(`${message} [${code}]`);
    if (isDeveloperWatching()) emitWarning(message, code, atExit);
  } catch {
    // The application's own logger or warning listener threw. Telemetry must not fail the application.
  }
}

/**
 * One of `choices`, in any case, that the variable of the environment says; `undefined` if it is not set. An application must start all the same:
 * another value is reported and counts as `otherwise`.
 */
export function environmentChoice<T extends string>(name: string, choices: readonly T[], otherwise: T): T | undefined {
  const value = environment(name);
  if (value === undefined) return undefined;
  const chosen = choices.find((choice) => choice === value.toLowerCase());
  if (chosen === undefined) {
    const wants = `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`;
    reportOmission('RUNTRACE_UNKNOWN_VALUE', `${mismatch(name, wants, value)}; '${otherwise}' counts`, {
      once: name,
    });
  }
  return chosen ?? otherwise;
}

/** Not in production, in a test runner, or where OpenTelemetry or these warnings are switched off. */
function isDeveloperWatching(): boolean {
  const mode = environment('NODE_ENV');
  if (mode !== undefined && mode !== 'development') return false;
  if (TEST_RUNNERS.some((name) => environment(name) !== undefined)) return false;
  if (environment('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return false;
  if (environment('OTEL_TRACES_EXPORTER')?.toLowerCase() === 'none') return false;
  return environment('RUNTRACE_WARNINGS')?.toLowerCase() !== 'off';
}

/** The variables by which node's own test runner, Vitest and Jest can be told. */
const TEST_RUNNERS = ['NODE_TEST_CONTEXT', 'VITEST', 'JEST_WORKER_ID'];

interface ProcessWarnings {
  emitWarning?(message: string, options: { type: string; code: string }): void;
  emit?(event: 'warning', warning: Error): void;
}

const WARNING_TYPE = 'RuntraceWarning';

function emitWarning(message: string, code: OmissionCode, atExit: boolean): void {
  const { process } = globalThis as { process?: ProcessWarnings };
  if (atExit) process?.emit?.('warning', Object.assign(new Error(message), { name: WARNING_TYPE, code }));
  else process?.emitWarning?.(message, { type: WARNING_TYPE, code });
}
