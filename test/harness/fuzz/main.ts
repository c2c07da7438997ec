/** `npm run fuzz [-- COUNT SEED]`: secrets and harmless texts at random places, at the redactor and in what is exported. Exits with 1 if one is wrong. */
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { contentStays, failuresOf, harmlessStays, secretsStay } from '../../capture/redact/end-to-end.js';
import { askedNumber } from '../asked.js';
import { checkHarmless, checkSecret } from './checks.js';

const COUNT = askedNumber(process.argv[2], 10_000);
const FIRST_SEED = askedNumber(process.argv[3], Date.now() % 1_000_000_000);

/** Cases that a real call takes from the application to the bytes that are exported take longer, so that is done with a share of them. */
const SECRETS = Math.ceil(COUNT / 2);
const HARMLESS = Math.ceil(COUNT / 5);
const CONTENT = Math.ceil(COUNT / 50);

const redactor = createRedactor();
const failures: string[] = [];
for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed++) {
  for (const check of [checkSecret, checkHarmless]) {
    const failure = check(redactor, seed);
    if (failure !== undefined) failures.push(`seed ${seed}: ${failure}`);
  }
}
process.stdout.write(`redaction: ${COUNT} cases with a secret, ${COUNT} without, first seed ${FIRST_SEED}\n`);

failures.push(...(await failuresOf(secretsStay, FIRST_SEED, SECRETS)));
failures.push(...(await failuresOf(harmlessStays, FIRST_SEED, HARMLESS)));
failures.push(...(await failuresOf(contentStays, FIRST_SEED, CONTENT)));
const cases = 2 * COUNT + SECRETS + HARMLESS + CONTENT;
process.stdout.write(
  `exported bytes: ${SECRETS} with a secret, ${HARMLESS} without, ${CONTENT} with prompts at metadata\n`,
);

for (const failure of failures.slice(0, 10)) process.stdout.write(`\n${failure}\n`);
process.stdout.write(`${cases - failures.length} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
