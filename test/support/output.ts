import type { ChildProcess } from 'node:child_process';

/** What a process has printed so far. */
export interface Output {
  readonly out: string;
  readonly err: string;
}

/** Collects what a process prints. Its `stdout` and `stderr` must be pipes. */
export function outputOf({ stdout, stderr }: ChildProcess): Output {
  const output = { out: '', err: '' };
  stdout?.on('data', (chunk) => {
    output.out += chunk;
  });
  stderr?.on('data', (chunk) => {
    output.err += chunk;
  });
  return output;
}
