/** Whether the declarations compile in an application that checks those of its libraries too (`skipLibCheck: false`). */
import { type ExecFileException, execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { add, install } from './install.js';
import { failed, PASSED, type Result, type Results } from './results.js';
import type { Sdk } from './sdks.js';

const VERSIONS = ['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6.0', '7.0'];
const QUICK_VERSIONS = ['5.4', '7.0'];
/** Who has the types of a browser has `fetch` from there, who hasn't from Node's. */
const LIBS = { DOM: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'], 'no DOM': ['es2023'] };

const CONSUMERS = fileURLToPath(new URL('../../../../test/harness/matrix/consumer/', import.meta.url));
const exec = promisify(execFile);

export async function checkDeclarations(
  results: Results,
  installed: readonly { sdk: Sdk; where: string }[],
  directory: string,
  quick: boolean,
): Promise<void> {
  const versions = quick ? QUICK_VERSIONS : VERSIONS;
  const packages = versions.map((version) => `typescript-${version}@npm:typescript@~${version}.0`);
  await install(directory, packages);
  results.head('Declarations, skipLibCheck: false', versions);
  for (const { sdk, where } of installed) {
    await add(where, ['@types/node@20']);
    const files = ['every-sdk.ts', sdk.version.startsWith('3') ? 'sdk-3.ts' : 'sdk-2.ts'];
    for (const file of files) copyFileSync(join(CONSUMERS, file), join(where, file));
    for (const [name, lib] of Object.entries(LIBS)) {
      const project = join(where, `tsconfig.${name.replace(' ', '-')}.json`);
      const compilerOptions = { ...STRICT, exactOptionalPropertyTypes: sdk.exactTypes, lib, types: ['node'] };
      writeFileSync(project, JSON.stringify({ compilerOptions, files }));
      const cells: Result[] = [];
      for (const version of versions) {
        const tsc = join(directory, 'node_modules', `typescript-${version}`, 'bin', 'tsc');
        cells.push(await compiles(tsc, project, where));
      }
      results.row(`TypeScript, SDK ${sdk.version}, ${name}`, cells, versions);
    }
  }
}

const STRICT = {
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  module: 'nodenext',
};

async function compiles(tsc: string, project: string, cwd: string): Promise<Result> {
  try {
    await exec(process.execPath, [tsc, '-p', project], { cwd });
    return PASSED;
  } catch (error) {
    const { stdout, stderr, signal, message } = error as ExecFileException;
    return failed(stdout?.split('\n').slice(0, 10).join('\n') || `${message} ${stderr} ${signal}`);
  }
}
