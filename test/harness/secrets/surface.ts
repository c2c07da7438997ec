import { startAnsweringServer } from '../fuzz/answering-server.js';
import { findLeak } from '../fuzz/fuzz.js';
import { planOf } from '../fuzz/plan.js';
import { openStage } from '../fuzz/play.js';
import { Random } from '../fuzz/random.js';
import { NOT_IN_HEADERS, plantedSecret } from './caught.js';
import { PLACES } from './places.js';
import type { SecretRule } from './rules.js';

const FILE_CASES = 200;
const AT_ONCE = 8;

/** Records each rule's secrets in some of the places, through runs, steps, tools and HTTP calls, and lists the rules found in the export. */
export async function leakingRules(rules: readonly SecretRule[], placesOfRule: number): Promise<Set<string>> {
  const places = Object.values(PLACES);
  const cases = rules
    .flatMap((rule, index) =>
      Array.from({ length: placesOfRule }, (_, nth) => {
        const random = new Random(1000 * index + nth);
        const { text, needles } = plantedSecret(rule, random);
        const put = places[
          (index + nth * Math.ceil(places.length / placesOfRule)) % places.length
        ] as (typeof places)[0];
        return { rule: rule.name, input: put(text, random), needles, random };
      }),
    )
    .filter(({ input }) => input.place !== 'header' || !NOT_IN_HEADERS.test(input.value));
  const leaking = new Set<string>();
  const server = await startAnsweringServer();
  try {
    for (let from = 0; from < cases.length; from += FILE_CASES) {
      const stage = openStage(server);
      const batch = cases.slice(from, from + FILE_CASES);
      const played = new Map<string, (typeof cases)[0]>();
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
      for (const [traceId, { rule, needles }] of played) {
        const lines = exported.get(traceId);
        if (lines === undefined || findLeak(lines, needles) !== undefined) leaking.add(rule);
      }
    }
  } finally {
    server.close();
  }
  return leaking;
}
