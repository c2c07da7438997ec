import { execFileSync } from 'node:child_process';
import type { Finding } from './main.js';

const BUDGET_MILLIS = 15;
const ROUNDS = 11;
/** What else the machine does only ever adds to it: the best of a few series is the truest. */
const SERIES = 4;

const API = '@opentelemetry/api';

/** How long importing runtrace takes, beyond the OpenTelemetry API that an application has anyway. */
export function importTime(): Finding[] {
  let best = Number.POSITIVE_INFINITY;
  for (let series = 0; series < SERIES && best > BUDGET_MILLIS; series++) {
    const rounds = Array.from({ length: ROUNDS }, () => millisToImport('runtrace') - millisToImport(API));
    best = Math.min(best, median(rounds));
  }
  return [
    {
      says: `import: runtrace takes ${best.toFixed(1)} ms more than ${API} alone (limit ${BUDGET_MILLIS} ms)`,
      holds: best <= BUDGET_MILLIS,
    },
  ];
}

function millisToImport(name: string): number {
  const code = `const begin = performance.now(); await import('${name}'); console.log(performance.now() - begin);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' }));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}
