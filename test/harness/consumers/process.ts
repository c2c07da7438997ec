import { type ExecFileException, execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Writes files, by their path in the folder, and returns the folder. */
export function written(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Runs Node to its end, and returns what it printed. Rejects with what it printed if it fails. */
export async function node(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:OTEL|RUNTRACE)_|^NODE_(?!EXTRA_CA_CERTS)/.test(name),
  );
  try {
    const { stdout } = await exec(process.execPath, args, {
      cwd,
      env: { ...Object.fromEntries(inherited), ...env },
      timeout: 120_000,
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr, message } = error as ExecFileException;
    throw new Error(`${stdout}${stderr}`.trim().slice(-3000) || message);
  }
}
