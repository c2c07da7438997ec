import { leaksOf } from './caught.js';
import { NAMED_RULES, SHAPED_RULES } from './rules.js';

for (const rules of [SHAPED_RULES, NAMED_RULES]) {
  let total = 0,
    clean = 0;
  const perPlace = new Map<string, number>();
  const N = Number(process.argv[2] ?? 5);
  for (const rule of rules) {
    const leaks = Array.from({ length: N }, (_, seed) => leaksOf(rule, seed + 1)).flat();
    total += leaks.length;
    for (const { place } of leaks) perPlace.set(place, (perPlace.get(place) ?? 0) + 1);
    if (leaks.length === 0) clean++;
    else
      console.log(
        `${leaks.length}\t${rule.name}\t${leaks[0]?.place}\t${leaks[0]?.secret.slice(0, 90)}\t=> ${leaks[0]?.kept.slice(0, 120)}`,
      );
  }
  console.log(`clean rules ${clean}/${rules.length}, leaks ${total} of ${rules.length * 31 * N}`);
  console.log(perPlace);
}
