/**
 * Part of `npm run check`: checks the package as it is published. What does it contain, how big is it, how fast is it imported? Needs
 * `dist`. Exits with 1 if a check failed.
 */
import { contents } from './contents.js';
import { importTime } from './import-time.js';
import { size } from './size.js';

/** The result of one check. */
export interface Finding {
  readonly says: string;
  readonly holds: boolean;
}

const findings: Finding[] = [];
for (const check of [contents, size, importTime]) {
  for (const finding of await check()) {
    findings.push(finding);
    process.stdout.write(`${finding.holds ? '✔' : '✖'} ${finding.says}\n`);
  }
}
const failed = findings.filter(({ holds }) => !holds).length;
process.stdout.write(`${findings.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
