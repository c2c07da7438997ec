import { startAnsweringServer } from '../fuzz/answering-server.js';
import { findLeak, type Input } from '../fuzz/fuzz.js';
import { planOf } from '../fuzz/plan.js';
import { openStage } from '../fuzz/play.js';
import { Random } from '../fuzz/random.js';
import { NOT_IN_HEADERS, plantedSecret } from './caught.js';
import { PLACES } from './places.js';
import type { SecretRule } from './rules.js';

const FILE_CASES = 200;
const AT_ONCE = 8;

/** A text with a secret, and the pieces of the secret that must not remain. */
export interface Planted {
  readonly name: string;
  readonly input: Input;
  readonly needles: readonly string[];
  readonly random: Random;
}

/** Each rule's secrets, in some of the places. */
export function plantedRules(rules: readonly SecretRule[], placesOfRule: number): Planted[] {
  const places = Object.values(PLACES);
  return rules
    .flatMap((rule, index) =>
      Array.from({ length: placesOfRule }, (_, nth): Planted => {
        const random = new Random(1000 * index + nth);
        const { text, needles } = plantedSecret(rule, random);
        const put = places[
          (index + nth * Math.ceil(places.length / placesOfRule)) % places.length
        ] as (typeof places)[0];
        return { name: rule.name, input: put(text, random), needles, random };
      }),
    )
    .filter(({ input }) => input.place !== 'header' || !NOT_IN_HEADERS.test(input.value));
}

/** Records texts with secrets through runs, steps, tools and HTTP calls, and lists the names of those found in the export. */
export async function namesExported(cases: readonly Planted[]): Promise<Set<string>> {
  const leaking = new Set<string>();
  const server = await startAnsweringServer();
  try {
    for (let from = 0; from < cases.length; from += FILE_CASES) {
      const stage = openStage(server);
      const batch = cases.slice(from, from + FILE_CASES);
      const played = new Map<string, Planted>();
      let next = 0;
      const worker = async () => {
        for (let item = batch[next++]; item; item = batch[next++]) {
          const plan = planOf(item.input, item.random);
          const options = { plan, random: item.random, capture: 'content' as const, bodyBytes: 1_000_000 };
          played.set(await stage.play({ ...options, arrived: Number.POSITIVE_INFINITY }), item);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      const exported = await stage.exported();
      for (const [traceId, { name, needles }] of played) {
        const lines = exported.get(traceId);
        if (lines === undefined || findLeak(lines, needles) !== undefined) leaking.add(name);
      }
    }
  } finally {
    server.close();
  }
  return leaking;
}
