/** `npm run random -- SEED COUNT`: plays COUNT random calls (2000 if left out) from SEED (1). Exits with 1 if a step is wrong. */
import { askedNumber } from '../asked.js';
import { playRandom } from './play.js';

const SHOWN = 10;
const seed = askedNumber(process.argv[2], 1);
const count = askedNumber(process.argv[3], 2000);
const { calls, wrong } = await playRandom(seed, count);
for (const what of wrong.slice(0, SHOWN)) process.stderr.write(`${what}\n`);
process.stdout.write(
  `${calls} calls from seed ${seed}\n${Math.max(0, calls - wrong.length)} passed, ${wrong.length} failed\n`,
);
process.exitCode = wrong.length > 0 ? 1 : 0;
