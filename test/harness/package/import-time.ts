import { execFileSync } from 'node:child_process';
import type { Finding } from './main.js';

const BUDGET_MILLIS = 15;
const ROUNDS = 11;
/** Other work on the machine only adds to the time, so the best of a few series is the nearest to the truth. */
const SERIES = 4;

const API = '@opentelemetry/api';

/** How much CPU time the import of runtrace takes, beyond that of the OpenTelemetry API, which an application has anyway. */
export function importTime(): Finding[] {
  let best = Number.POSITIVE_INFINITY;
  for (let series = 0; series < SERIES && best > BUDGET_MILLIS; series++) {
    const rounds = Array.from({ length: ROUNDS }, () => millisToImport('runtrace') - millisToImport(API));
    best = Math.min(best, median(rounds));
  }
  return [
    {
      says: `import: runtrace takes ${best.toFixed(1)} ms of CPU time more than ${API} alone (limit ${BUDGET_MILLIS} ms)`,
      holds: best <= BUDGET_MILLIS,
    },
  ];
}

function millisToImport(name: string): number {
  const code = `const begin = process.cpuUsage(); await import('${name}'); const { user, system } = process.cpuUsage(begin); console.log(user + system);`;
  return 0.001 * Number(execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' }));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}
