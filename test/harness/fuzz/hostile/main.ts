/**
 * `npm run fuzz:hostile -- [SECONDS] [TARGET…]`: feeds hostile input to all code that reads any, guided by coverage, for so many seconds each
 * (20). It begins with the kept corpus, changes its inputs at random, and goes on with each that reached new code. With KEEP=1 these join the
 * corpus. An input that breaks a promise joins it always, and the unit tests then play it too. Exits with 1 if a promise was broken.
 *
 * Jazzer.js does not load on Node 20 beside a C library older than glibc 2.38, so coverage comes from V8's own profiler.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askedRows } from '../../asked.js';
import { reportFailedRow } from '../../failed-rows.js';
import { Random } from '../random.js';
import { Coverage } from './coverage.js';
import { mutate } from './mutate.js';
import { TARGETS } from './targets.js';

const CORPUS = 'test/harness/fuzz/corpus';
/** An input that takes longer is a failure. */
const SLOW_MILLIS = 1000;

const args = process.argv.slice(2);
const seconds = Number(/^\d+$/.test(args[0] ?? '') ? args.shift() : 20);
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_000);
const isAsked = (name: string) => args.length === 0 || args.includes(name);
const names = askedRows(Object.keys(TARGETS), (name) => name, isAsked);
const coverage = new Coverage();
const failed = names.filter((name) => !fuzzed(name));
process.stdout.write(`${names.length - failed.length} passed, ${failed.length} failed\n`);
process.exitCode = failed.length > 0 ? 1 : 0;

function fuzzed(name: string): boolean {
  const folder = join(CORPUS, name);
  mkdirSync(folder, { recursive: true });
  const inputs: Buffer[] = readdirSync(folder).map((file) => readFileSync(join(folder, file)));
  for (const input of inputs) coverage.ofRun(() => play(name, input));
  const random = new Random(seed);
  const until = performance.now() + seconds * 1000;
  let count = 0;
  let found = 0;
  for (; performance.now() < until; count++) {
    const input = mutate(inputs, random);
    let broken: unknown;
    const isNew = coverage.ofRun(() => {
      broken = play(name, input);
    });
    if (broken) {
      const path = keep(folder, input);
      process.stdout.write(`FAILED  ${name}: ${path}, seed ${seed}: ${(broken as Error)?.stack ?? broken}\n`);
      reportFailedRow(name, 'a promise was broken');
      return false;
    }
    if (!isNew) continue;
    found++;
    inputs.push(input);
    if (process.env.KEEP) keep(folder, input);
  }
  process.stdout.write(`passed  ${name}: ${count} inputs, ${found} of them reached new code, seed ${seed}\n`);
  return true;
}

/** What the target threw, or that it took too long. */
function play(name: string, input: Buffer): unknown {
  const began = performance.now();
  try {
    TARGETS[name]?.(input);
  } catch (error) {
    return error;
  }
  const millis = performance.now() - began;
  return millis > SLOW_MILLIS ? new Error(`${input.length} bytes took ${Math.round(millis)} ms`) : undefined;
}

function keep(folder: string, input: Buffer): string {
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(path, input);
  return path;
}
