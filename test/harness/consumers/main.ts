/**
 * `npm run consumers [WORD…]`: installs the package, as it would be published, into a temporary folder, and uses it there as ES module and
 * as CommonJS: with Node, Jest, npx, bundlers, compilers, and in set-ups that were there before it. Runs the rows that have all of the words. Exits with 1 if a row failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askedRows } from '../asked.js';
import { install, pack } from '../matrix/install.js';
import { failed, PASSED, type Result, Results } from '../matrix/results.js';
import { Unavailable } from '../npm.js';
import { BUNDLERS } from './bundlers.js';
import { COMPILERS } from './compilers.js';
import { NPX } from './npx.js';
import { RUNTIMES } from './runtimes.js';
import { SET_UPS } from './set-ups.js';

/** One way to use the package. */
export interface Consumer {
  readonly name: string;
  /** What it needs beside the application's packages. */
  readonly packages: readonly string[];
  /** Rejects if the package can't be used in this way. `app` is a folder with runtrace and OpenTelemetry installed, `tarball` the package. */
  use(app: string, tarball: string): Promise<void>;
}

/** Versions that support the oldest Node that runtrace supports. */
const APPLICATION = [
  '@opentelemetry/api@1.9',
  '@opentelemetry/context-async-hooks@2.12',
  '@opentelemetry/sdk-trace-base@2.12',
  '@types/node@20',
];
const OTLP = '@opentelemetry/exporter-trace-otlp-http@0.223';

const words = process.argv.slice(2);
const all = [...RUNTIMES, ...NPX, ...SET_UPS, ...BUNDLERS, ...COMPILERS];
const isAsked = (name: string) => words.every((word) => name.includes(word));
const consumers = askedRows(all, ({ name }) => name, isAsked);
const results = new Results();
const directory = mkdtempSync(join(tmpdir(), 'runtrace-consumers-'));
try {
  const tarball = await pack(directory);
  const packages = [...new Set(consumers.flatMap((consumer) => consumer.packages))];
  const app = join(directory, 'app');
  const installed = await tried(() => install(app, [tarball, ...APPLICATION, OTLP, ...packages]));
  for (const consumer of consumers) {
    results.one(consumer.name, installed ?? (await tried(() => consumer.use(app, tarball))) ?? PASSED);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = results.end() ? 0 : 1;

async function tried(work: () => Promise<unknown>): Promise<Result | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error instanceof Unavailable ? { is: 'skipped', why: error.message } : failed(error);
  }
}
