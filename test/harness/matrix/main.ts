/**
 * `npm run matrix`: does runtrace go into the set-ups that people have? Installs the package, as it would be published, beside each line of
 * the OpenTelemetry SDK in temporary directories, and plays an application on each runtime, by each way in. Exits with 1 if anything is wrong.
 *
 *     npm run matrix               everything
 *     npm run matrix -- --quick    a part, as CI does (CI=true): see QUICK
 *     npm run matrix -- Bun 3.1    only the rows that have all of these words (`'TypeScript, SDK 3.1, DOM'` is one)
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Unavailable } from '../npm.js';
import type { SetUpName, Way } from './cell/cell.js';
import { Cells } from './cells.js';
import { checkDeclarations } from './declarations.js';
import { addAnyway, install, pack, resolve } from './install.js';
import { isOther, OTHER_CLIENTS, otherPackages } from './other-clients.js';
import { failed, PASSED, type Result, Results } from './results.js';
import { type Job, RUNTIMES, type Runtime } from './runtimes.js';
import { OTHER_SDKS, SDKS, type Sdk } from './sdks.js';

const WAYS: readonly Way[] = ['fetch option', 'register', 'AI SDK telemetry', 'wrapModel'];
const CLIENTS = ['openai@7', 'ai@7', '@ai-sdk/openai@4'];

/** Other clients are played on each runtime, with one SDK. */
const WITH_OTHER_CLIENTS = { sdk: '2.12', setUp: 'basic-provider' };

/** The outermost: what works with the oldest and the newest works in between, mostly. */
const QUICK = {
  says: 'A part of the matrix: the oldest and the newest Node, Bun, Deno and workerd, with SDK 2.0, 2.12 and 3.1, without NodeTracerProvider.',
  has: ({ runtime, sdk, setUp }: Row) =>
    !['Node 22', 'Node 24'].includes(runtime.name) && sdk.version !== '2.5' && setUp !== 'node-provider',
};

interface Row {
  readonly title: string;
  readonly ways: readonly Way[];
  readonly runtime: Runtime;
  readonly sdk: Sdk;
  readonly setUp: SetUpName;
}

const args = process.argv.slice(2);
const quick = args.includes('--quick') || process.env.CI === 'true';
const words = args.filter((arg) => arg !== '--quick');
const rows = RUNTIMES.flatMap((runtime) =>
  SDKS.flatMap((sdk) =>
    sdk.setUps.flatMap((setUp): Row[] => {
      const title = `${runtime.name}  SDK ${sdk.version}  ${setUp}`;
      const row = { title, ways: WAYS, runtime, sdk, setUp };
      const hasOthers = sdk.version === WITH_OTHER_CLIENTS.sdk && setUp === WITH_OTHER_CLIENTS.setUp;
      const others = Object.entries(OTHER_CLIENTS).map(([name, ways]) => ({
        ...row,
        title: `${title}  ${name}`,
        ways,
      }));
      return hasOthers ? [row, ...others] : [row];
    }),
  ),
).filter((row) => (!quick || QUICK.has(row)) && words.every((word) => row.title.includes(word)));

const results = new Results();
const directory = mkdtempSync(join(tmpdir(), 'runtrace-matrix-'));
try {
  if (quick) results.say(QUICK.says);
  await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = results.end() ? 0 : 1;

async function main(): Promise<void> {
  const tarball = await pack(directory);
  results.head('Installed, without a conflict', []);
  const sdks = new Map<Sdk, string | Result>();
  for (const sdk of new Set([...rows.map((row) => row.sdk), ...SDKS.filter(isNamed)])) {
    const installed = await tried(() => installSdk(sdk, tarball));
    results.one(`SDK ${sdk.version} beside runtrace`, typeof installed === 'string' ? PASSED : installed);
    sdks.set(sdk, installed);
  }
  if (!quick && words.length === 0) {
    for (const { version, packages } of OTHER_SDKS) {
      const resolved = await tried(() => resolve(join(directory, `sdk-${version}`), [tarball, ...packages]));
      results.one(`SDK ${version} beside runtrace`, resolved ?? PASSED);
    }
  }
  const runtimes = new Map<Runtime, ((job: Job) => Promise<void>) | Result>();
  for (const runtime of new Set(rows.map((row) => row.runtime))) {
    runtimes.set(runtime, await tried(() => runtime.install(join(directory, runtime.name.replace(' ', '-')))));
  }

  const sdkWithOthers = rows.find((row) => row.ways.some(isOther))?.sdk;
  const withOthers = sdkWithOthers && (await tried(() => installOthers(sdkWithOthers, tarball)));
  const cells = await Cells.open();
  const play = async ({ runtime, sdk, setUp }: Row, way: Way): Promise<Result> => {
    const [run, where] = [runtimes.get(runtime), isOther(way) ? withOthers : sdks.get(sdk)];
    if (typeof run !== 'function') return run ?? failed('was not installed');
    if (typeof where !== 'string') return where ?? failed('was not installed');
    return cells.play(run, { directory: where, sdk }, { setUp, way, preloaded: runtime.preloads });
  };
  for (const ways of [WAYS, ...Object.values(OTHER_CLIENTS)]) {
    const shown = rows.filter((row) => row.ways === ways);
    if (shown.length > 0) results.head('Runtime, SDK, set-up', ways);
    for (const row of shown) {
      const played = ways.map((way) => {
        const why = whyNot(row);
        return why ? ({ is: 'impossible', why } as const) : play(row, way);
      });
      results.row(row.title, await Promise.all(played), ways);
    }
  }
  await cells.close();

  if (words.length === 0 || words.some((word) => word.startsWith('TypeScript'))) {
    const installed = [...sdks].flatMap(([sdk, where]) => (typeof where === 'string' ? [{ sdk, where }] : []));
    await checkDeclarations(results, installed, join(directory, 'typescript'), quick);
  }
}

/** As an application with a client and everything of one SDK line, with the cell's program in it. */
async function installSdk(sdk: Sdk, tarball: string): Promise<string> {
  const where = await install(join(directory, `sdk-${sdk.version}`), [tarball, ...sdk.packages, ...CLIENTS]);
  return withCell(where);
}

/** The same with the other clients, in a directory of its own: they conflict with what is installed there. */
async function installOthers(sdk: Sdk, tarball: string): Promise<string> {
  const where = await install(join(directory, 'other-clients'), [tarball, ...sdk.packages, ...CLIENTS]);
  await addAnyway(where, otherPackages());
  return withCell(where);
}

function withCell(where: string): string {
  cpSync(fileURLToPath(new URL('cell', import.meta.url)), join(where, 'cell'), { recursive: true });
  return where;
}

async function tried<T>(installs: () => Promise<T>): Promise<T | Result> {
  try {
    return await installs();
  } catch (error) {
    return error instanceof Unavailable ? { is: 'skipped', why: error.message } : failed(error);
  }
}

/** Whether a row is asked for that needs no runtime: an installation, or a compiler. */
function isNamed({ version }: Sdk): boolean {
  return words.some((word) => /^(?:TypeScript, )?SDK /.test(word) && word.includes(`SDK ${version}`));
}

/** Why a row can't exist. */
function whyNot({ runtime, sdk, setUp }: Row): string | undefined {
  if (runtime.node !== undefined && Number.parseInt(runtime.node, 10) < Number.parseInt(sdk.leastNode, 10)) {
    return `SDK ${sdk.version} needs Node ${sdk.leastNode} or later.`;
  }
  return runtime.refuses(setUp);
}
