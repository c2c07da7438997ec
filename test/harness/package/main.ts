/**
 * What `npm run check` says of the package as it is published: what is in it, how big it is, how fast it is imported. Needs `dist`.
 * Exits with 1 if a budget is broken.
 */
import { contents } from './contents.js';
import { importTime } from './import-time.js';
import { size } from './size.js';

/** One thing that holds, or doesn't. */
export interface Finding {
  readonly says: string;
  readonly holds: boolean;
}

const findings: Finding[] = [];
for (const look of [contents, size, importTime]) {
  for (const finding of await look()) {
    findings.push(finding);
    process.stdout.write(`${finding.holds ? '✔' : '✖'} ${finding.says}\n`);
  }
}
const failed = findings.filter(({ holds }) => !holds).length;
process.stdout.write(`${findings.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
