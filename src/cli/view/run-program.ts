import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Viewer } from '../../view/server.js';
import { complain } from '../terminal.js';
import { spawnedCommand } from './spawned-command.js';

/**
 * Starts a program whose model calls the viewer shows, as it does those of all Node processes that the program starts. Returns its exit
 * code. `afterEnd` may keep the viewer open when the program has ended by itself; `stopped` resolves at a signal.
 */
export async function runProgram(
  program: readonly string[],
  viewer: Viewer,
  packageUrl: URL,
  afterEnd?: (code: number, stopped: Promise<void>) => Promise<void>,
): Promise<number> {
  // A URL, because NODE_OPTIONS is split at spaces, and a path may have some.
  const preload = new URL('dist/cli/view/preload.js', packageUrl).href;
  const env = {
    ...process.env,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${preload}`.trim(),
    // The address without the token: the program's own output must not contain it.
    RUNTRACE_VIEW: viewer.endpoint,
    RUNTRACE_IMPLICIT_RUNS: process.env.RUNTRACE_IMPLICIT_RUNS ?? 'true',
  };
  let child: ChildProcess;
  try {
    const { command, args, options } = spawnedCommand(program);
    child = spawn(command, args, { ...options, stdio: 'inherit', env });
  } catch (error) {
    await viewer.close();
    throw error;
  }
  let isStopped = false;
  // The same listeners to the end: libuv drops a signal that has come when the listener of its time is removed.
  const stopped = new Promise<void>((resolve) => {
    // Ctrl-C on a terminal reaches the program by itself. The program decides when to end, and the viewer ends after it.
    const stop = () => {
      isStopped = true;
      resolve();
    };
    const passOn = (signal: NodeJS.Signals) => {
      child.kill(signal);
      stop();
    };
    process.on('SIGINT', stop).on('SIGTERM', passOn).on('SIGHUP', passOn);
  });
  const code = await new Promise<number>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      complain(error.code === 'ENOENT' ? `there is no program '${program[0]}'` : error.message);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  if (!isStopped) await afterEnd?.(code, stopped);
  await viewer.close();
  return code;
}
