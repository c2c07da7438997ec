import { type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { outputOf } from '../support/output.js';

const BIN = fileURLToPath(new URL('./cli/main.js', import.meta.resolve('runtrace/exporter')));

/** Runs the package's command as a user would. */
export function runtrace(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return runtraceIn({}, ...args);
}

/** The same in a folder and with an environment of its own. */
export function runtraceIn(
  options: Pick<SpawnOptions, 'cwd' | 'env'>,
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BIN, ...args], { ...options, stdio: 'pipe' });
    const output = outputOf(child);
    child.on('close', (code) => resolve({ code, ...output }));
  });
}

export function fileWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'runtrace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'traces.jsonl');
  writeFileSync(path, text);
  return path;
}
