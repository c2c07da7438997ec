import { diag } from '@opentelemetry/api';
import { guarded } from '../util/diagnostics.js';
import { reportOmission } from '../util/omissions.js';

/** What every report of the exporter begins with. */
export const REPORT_PREFIX = 'runtrace exporter: ';

/** Says through `diag` what became of spans, or of a destination. */
export function say(message: string, level: 'warn' | 'info' = 'warn'): void {
  guarded('a diag logger threw', () => diag[level](REPORT_PREFIX + message));
}

/**
 * Says through `diag` what a setting of the exporter leads to, once the code that is running has ended: `NodeSDK` sets the logger of
 * `OTEL_LOG_LEVEL` in its constructor, and the span processors among its options are made before.
 */
export function reportSetting(message: string, level: 'warn' | 'info' = 'warn'): void {
  queueMicrotask(() => say(message, level));
}

/** Says of a setting what is wrong with it, and what to do; also to a developer who does not see what `diag` is told. */
export function reportWrongSetting(message: string): void {
  reportSetting(message);
  reportOmission('RUNTRACE_WRONG_SETTING', message, { once: message, isDiagTold: true });
}
