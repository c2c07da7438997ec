/**
 * `npm run test:jaeger`: sends runs to a real Jaeger and reads them back. Exits with 77 where there is none.
 */
import { findJaeger, startJaeger } from '../support/jaeger.js';
import { Checks, say } from './checks.js';
import { checkFacts, findsErrors } from './facts.js';
import { checkSampling } from './sampling.js';

const NO_JAEGER = 77;

const found = await findJaeger();
if (!found) {
  say('No Jaeger. Name one in JAEGER_BINARY or put `jaeger` (2.x) on the PATH; .ci/install-jaeger builds one with Go.');
  process.exit(NO_JAEGER);
}

const checks = new Checks();
const jaeger = await startJaeger(found.binary, found.version);
try {
  say(`Jaeger ${jaeger.version}`);
  say('What runtrace relies on in Jaeger');
  await checkFacts(checks, jaeger);
  say('The collector of examples/jaeger');
  await checkSampling(checks, process.env.OTELCOL ?? found.binary, jaeger);
  say(String(await findsErrors(jaeger)));
  const b = await startJaeger(found.binary, found.version, 'badger');
  say(String(await findsErrors(b)));
  await b.stop();
} finally {
  await jaeger.stop();
}
process.exitCode = checks.end() ? 0 : 1;
