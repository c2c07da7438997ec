/** Notices that runs are not recorded because no OpenTelemetry SDK is registered. */
import { ProxyTracerProvider, trace } from '@opentelemetry/api';
import { guarded } from '../../util/diagnostics.js';
import { reportOmission } from '../../util/omissions.js';
import { cancel, type Deadline, schedule } from '../settle/deadlines.js';

/** An SDK that starts a little after the first run is a mistake of its own; a program without an SDK is not in a hurry to hear of it. */
const NO_PROVIDER_MILLIS = 5000;

let runsWithoutProvider = 0;

const providerCheck: Deadline = { due: () => reportMissingProvider(false) };

/** A run was begun and the global provider gave it no trace. Reported after five seconds, or when the process ends. */
export function runWithoutProvider(): void {
  runsWithoutProvider++;
  if (runsWithoutProvider > 1) return;
  schedule(providerCheck, NO_PROVIDER_MILLIS);
  onProcessEnd((atExit) => {
    cancel(providerCheck);
    reportMissingProvider(atExit);
  });
}

function reportMissingProvider(atExit: boolean): void {
  const { version, hasProvider } = registeredApi();
  const runs = `runs so far: ${runsWithoutProvider}`;
  if (hasGlobalProvider()) reportOmission('RUNTRACE_LATE_PROVIDER', runs, { atExit });
  else if (hasProvider) reportOmission('RUNTRACE_API_VERSIONS', `the SDK's version is ${version}`, { atExit });
  else reportOmission('RUNTRACE_NO_PROVIDER', runs, { atExit });
}

/**
 * The API gives out a proxy, whose delegate does nothing until an SDK registers a provider. All proxies share that delegate. Its class can't be
 * told by its name: in a minified bundle it has another one.
 */
export function hasGlobalProvider(): boolean {
  const provider = trace.getTracerProvider() as { getDelegate?(): unknown };
  return provider.getDelegate?.() !== new ProxyTracerProvider().getDelegate();
}

/**
 * What copies of `@opentelemetry/api` registered, whichever copy runtrace has: a copy does not see what an older one registered.
 * https://github.com/open-telemetry/opentelemetry-js/blob/main/api/src/internal/global-utils.ts
 */
function registeredApi(): { version: string | undefined; hasProvider: boolean } {
  const registry = (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')];
  const { version, trace } = (registry ?? {}) as { version?: string; trace?: unknown };
  return { version, hasProvider: trace !== undefined };
}

/** Calls `fn` once, when the event loop is empty or, after `process.exit()`, in the exit itself (`atExit`). */
function onProcessEnd(fn: (atExit: boolean) => void): void {
  const { process } = globalThis as { process?: NodeJS.Process };
  if (typeof process?.once !== 'function') return;
  let isDone = false;
  const once = (atExit: boolean) => () => {
    if (!isDone) guarded('the check for a missing SDK failed', () => fn(atExit));
    isDone = true;
  };
  process.once('beforeExit', once(false));
  process.once('exit', once(true));
}
