import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { findLeak, keep } from '../fuzz/fuzz.js';
import { Random } from '../fuzz/random.js';
import { PLACES } from './places.js';
import { makeSecret, type SecretRule } from './rules.js';

const redactor = createRedactor();

/** A header can't hold what is not visible ASCII. */
export const NOT_IN_HEADERS = /[^\t\x20-\x7e]/;

/** How code and settings write a name and its value. */
const ASSIGNMENTS: readonly ((name: string, value: string) => string)[] = [
  (name, value) => `${name}=${value}`,
  (name, value) => `${name}: ${value}`,
  (name, value) => `${name} = "${value}"`,
  (name, value) => `"${name}": "${value}"`,
  (name, value) => `const ${name}: string = '${value}';`,
  (name, value) => `var ${name} string = "${value}"`,
  (name, value) => `${name} := "${value}"`,
  (name, value) => `'${name}' => '${value}',`,
  (name, value) => `<${name}>${value}</${name}>`,
  (name, value) => `$${name} .= "${value}"`,
  (name, value) => `--${name} ${value}`,
];

/** A secret of a rule, as it stands in a text. */
export function plantedSecret(rule: SecretRule, random: Random): { text: string; needles: string[] } {
  const secret = makeSecret(rule, random);
  if (rule.label === undefined) return secret;
  return { text: random.pick(ASSIGNMENTS)(rule.label, secret.text), needles: secret.needles };
}

/** A secret that stayed: the rule, the place, the secret and what was kept. */
export interface Leak {
  readonly rule: string;
  readonly place: string;
  readonly secret: string;
  readonly kept: string;
}

/** Plants a secret of a rule in each place, and lists what the redactor kept. */
export function leaksOf(rule: SecretRule, seed: number): Leak[] {
  const leaks: Leak[] = [];
  const random = new Random(seed);
  for (const [place, put] of Object.entries(PLACES)) {
    const { text, needles } = plantedSecret(rule, random);
    const input = put(text, random);
    if (input.place === 'header' && NOT_IN_HEADERS.test(input.value)) continue;
    const kept = keep(redactor, input);
    if (findLeak(kept, needles) !== undefined) leaks.push({ rule: rule.name, place, secret: text, kept });
  }
  return leaks;
}
