/** The Collector's own `validate` on every configuration of examples/collector. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from '../jaeger/checks.js';
import { validate } from './collector-process.js';
import { EXAMPLES } from './tiers.js';

/** A tier by itself; a fragment that names another backend, beside the second tier. */
export async function checkExamples(checks: Checks, binary: string): Promise<void> {
  for (const name of readdirSync(EXAMPLES)
    .filter((file) => file.endsWith('.yaml'))
    .sort()) {
    const configs = name.startsWith('to-') ? ['tier-2.yaml', name] : [name];
    const complaint = await validate(
      binary,
      configs.map((file) => join(EXAMPLES, file)),
      {},
    );
    const unknown = /unknown type: "(\w+)"/.exec(complaint)?.[1];
    if (unknown) {
      checks.skip(`${name} is valid`, `this Collector has no ${unknown}`);
    } else {
      await checks.check(`${name} is valid`, () => {
        if (complaint) throw new Error(complaint);
      });
    }
  }
}
