/**
 * Prints which secrets are caught and which harmless texts are changed, beside LangSmith's anonymizer and secretlint:
 * `npm run secrets`, or `npm run secrets -- <seed>`.
 */
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { askedNumber } from '../asked.js';
import { findLeak, keep } from '../fuzz/fuzz.js';
import { Random } from '../fuzz/random.js';
import { leaksOf, plantedSecret } from './caught.js';
import { everydayHarmless } from './everyday-harmless.js';
import { everydaySecrets, remains } from './everyday-secrets.js';
import { harmlessTexts } from './harmless.js';
import { otherTools, type Redact } from './others.js';
import { PLACES } from './places.js';
import { NAMED_RULES, type SecretRule, SHAPED_RULES } from './rules.js';
import { namesExported, plantedRules } from './surface.js';

const SEED = askedNumber(process.argv[2], 7);
const SAMPLES = 3;
const PLACES_THROUGH_SURFACE = 8;
/** The goals: 115 of 118 rules, and 15 of 564 texts. */
const CAUGHT_GOAL = 115 / 118;
const CHANGED_GOAL = 15 / 564;

const redactor = createRedactor();
const RULES = [...SHAPED_RULES, ...NAMED_RULES];

async function catchesInProse(rule: SecretRule, redact: Redact): Promise<boolean> {
  for (let sample = 0; sample < SAMPLES; sample++) {
    const { text, needles } = plantedSecret(rule, new Random(SEED + sample));
    if (findLeak(await redact(`It is ${text} and no other.`), needles) !== undefined) return false;
  }
  return true;
}

let others: Record<string, Redact> = {};
let skipped = 0;
try {
  others = await otherTools();
} catch (error) {
  skipped = 1;
  console.log(`Not compared with other tools: ${error instanceof Error ? error.message : error}\n`);
}
const tools: Record<string, Redact> = { runtrace: (text) => redactor.text(text), ...others };

console.log(
  `Secrets of ${RULES.length} rules, seed ${SEED}: in prose by each tool, and by runtrace in ${Object.keys(PLACES).length} places\n`,
);
const names = Object.keys(tools);
const caught = new Map(names.map((name) => [name, { shaped: 0, named: 0 }]));
const cell = (text: string, width: number) => text.padEnd(width);
console.log(`${cell('rule', 46)}${names.map((name) => cell(name, 12)).join('')}places`);
const leakingInPlaces = new Set<string>();
for (const rule of RULES) {
  const row: string[] = [];
  for (const name of names) {
    const isCaught = await catchesInProse(rule, tools[name] as Redact);
    const counts = caught.get(name);
    if (isCaught && counts) counts[rule.label === undefined ? 'shaped' : 'named']++;
    row.push(cell(isCaught ? 'caught' : 'missed', 12));
  }
  const leaks = leaksOf(rule, SEED);
  if (leaks.length > 0) leakingInPlaces.add(rule.name);
  const where = leaks.length === 0 ? 'all' : `missed: ${leaks.map(({ place }) => place).join(', ')}`;
  console.log(`${cell(rule.name, 46)}${row.join('')}${where}`);
}
const leakingThroughSurface = await namesExported(plantedRules(RULES, PLACES_THROUGH_SURFACE));

console.log('\nSecrets of everyday work, by kind');
const everyday = everydaySecrets(SEED);
const everydayMissed = everyday.filter((secret) => remains(secret, keep(redactor, secret.input)));
for (const kind of new Set(everyday.map((secret) => secret.kind))) {
  const missed = everydayMissed.filter((secret) => secret.kind === kind);
  console.log(
    `${cell(kind, 46)}${everyday.filter((secret) => secret.kind === kind).length} forms, ${missed.length} missed`,
  );
  for (const { form } of missed) console.log(`  missed: ${form}`);
}
const everydayExported = await namesExported(
  everyday.map(({ form, input, value }) => ({ name: form, input, needles: [value], random: new Random(SEED) })),
);
for (const form of everydayExported) console.log(`  exported: ${form}`);

console.log('\nHarmless texts: unchanged and changed');
const texts = [...harmlessTexts(SEED), ...everydayHarmless()];
const kinds = [...new Set(texts.map(({ kind }) => kind))];
const changed = new Map(names.map((name) => [name, 0]));
console.log(`${cell('kind', 20)}${cell('texts', 8)}${names.map((name) => cell(`${name} changed`, 20)).join('')}`);
for (const kind of kinds) {
  const ofKind = texts.filter((text) => text.kind === kind);
  const row: string[] = [];
  for (const name of names) {
    let count = 0;
    for (const { input } of ofKind) {
      if (input.place !== 'text' && input.place !== 'body') continue;
      const kept = name === 'runtrace' ? keep(redactor, input) : await (tools[name] as Redact)(input.text);
      if (kept === input.text) continue;
      count++;
      if (name === 'runtrace') console.log(`  changed: ${input.text.slice(0, 100)}`);
    }
    changed.set(name, (changed.get(name) ?? 0) + count);
    row.push(cell(String(count), 20));
  }
  console.log(`${cell(kind, 20)}${cell(String(ofKind.length), 8)}${row.join('')}`);
}

console.log('\nTogether');
for (const name of names) {
  const { shaped = 0, named = 0 } = caught.get(name) ?? {};
  const ofShaped = `${shaped} of ${SHAPED_RULES.length} by shape`;
  console.log(
    `${cell(name, 12)}caught in prose: ${ofShaped}, ${named} of ${NAMED_RULES.length} by name; changed: ${changed.get(name)} of ${texts.length} harmless texts`,
  );
}

const { shaped = 0, named = 0 } = caught.get('runtrace') ?? {};
const CHECKS: readonly [what: string, share: number, isMet: boolean][] = [
  ['rules caught in prose', (shaped + named) / RULES.length, (shaped + named) / RULES.length >= CAUGHT_GOAL],
  ...[
    ['rules caught in every place', leakingInPlaces],
    ['rules caught through runs, steps, tools and HTTP calls', leakingThroughSurface],
  ].map(([what, leaking]): [string, number, boolean] => {
    const share = 1 - (leaking as Set<string>).size / RULES.length;
    return [what as string, share, share >= CAUGHT_GOAL];
  }),
  ...[
    ['secrets of everyday work caught', everydayMissed.length],
    ['secrets of everyday work caught through runs, steps, tools and HTTP calls', everydayExported.size],
  ].map(([what, missed]): [string, number, boolean] => {
    const share = 1 - (missed as number) / everyday.length;
    return [what as string, share, share >= CAUGHT_GOAL];
  }),
  [
    'harmless texts changed',
    (changed.get('runtrace') ?? 0) / texts.length,
    (changed.get('runtrace') ?? 0) / texts.length <= CHANGED_GOAL,
  ],
];
console.log();
for (const [what, share, isMet] of CHECKS)
  console.log(`${isMet ? 'met' : 'MISSED'}: ${what}: ${(100 * share).toFixed(1)} %`);
const failed = CHECKS.filter(([, , isMet]) => !isMet).length;
console.log(`${CHECKS.length - failed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
