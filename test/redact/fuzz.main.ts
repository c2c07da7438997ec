import { createRedactor } from '../../src/redact/redactor.js';
import { checkHarmless, checkSecret } from './checks.js';

const COUNT = Number(process.argv[2] ?? 10_000);
const FIRST_SEED = Number(process.argv[3] ?? Date.now() % 1_000_000_000);

const redactor = createRedactor();
const failures: string[] = [];
for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed++) {
  for (const check of [checkSecret, checkHarmless]) {
    const failure = check(redactor, seed);
    if (failure !== undefined) failures.push(`seed ${seed}: ${failure}`);
  }
}

process.stdout.write(`redaction: ${COUNT} cases with a secret, ${COUNT} without, first seed ${FIRST_SEED}\n`);
for (const failure of failures.slice(0, 10)) process.stdout.write(`\n${failure}\n`);
process.stdout.write(`${2 * COUNT - failures.length} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
