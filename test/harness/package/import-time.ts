import { execFileSync } from 'node:child_process';
import type { Finding } from './main.js';

/** The import of runtrace may cost at most this share of the import of the SDK that an application has beside it. */
const MAX_SHARE_OF_SDK = 0.6;
const ROUNDS = 11;
/** Other work on the machine only adds to the time, so the best of a few series is the nearest to the truth. */
const SERIES = 4;

const API = '@opentelemetry/api';
const SDK = '@opentelemetry/sdk-trace-node';

/** How much CPU time the import of runtrace takes beyond that of the OpenTelemetry API, beside the SDK's, in the same run. */
export function importTime(): Finding[] {
  let best = { share: Number.POSITIVE_INFINITY, millis: 0, sdkMillis: 0 };
  for (let series = 0; series < SERIES && best.share > MAX_SHARE_OF_SDK; series++) {
    const api = medianMillis(API);
    const sdkMillis = medianMillis(SDK) - api;
    const millis = medianMillis('runtrace') - api;
    if (millis / sdkMillis < best.share) best = { share: millis / sdkMillis, millis, sdkMillis };
  }
  const { share, millis, sdkMillis } = best;
  return [
    {
      says: `import: runtrace takes ${share.toFixed(2)} of the CPU time of ${SDK}, ${millis.toFixed(1)} of ${sdkMillis.toFixed(1)} ms beyond ${API} (limit ${MAX_SHARE_OF_SDK})`,
      holds: share <= MAX_SHARE_OF_SDK,
    },
  ];
}

function medianMillis(name: string): number {
  const values = Array.from({ length: ROUNDS }, () => millisToImport(name)).sort((a, b) => a - b);
  return values[values.length >> 1] as number;
}

function millisToImport(name: string): number {
  const code = `const begin = process.cpuUsage(); await import('${name}'); const { user, system } = process.cpuUsage(begin); console.log(user + system);`;
  return 0.001 * Number(execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' }));
}
