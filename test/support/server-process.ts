import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MILLIS = 30_000;
const POLL_MILLIS = 50;

/** A program that serves something. */
export interface ServerProcess {
  readonly pid: number;
  /** Its last log lines. */
  log(): string;
  /** Kills it, and resolves when it is gone. SIGKILL is the default: most servers here have nothing to save, and wait for idle connections. */
  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/** Starts a server and waits until it is `ready`. It never outlives this process. */
export async function startServer(
  command: { binary: string; args: string[]; env?: Record<string, string> },
  ready: () => Promise<boolean>,
): Promise<ServerProcess> {
  const { binary, args, env } = command;
  const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  const closed = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  let log = '';
  child.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-10_000);
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal);
    await closed;
    process.removeListener('exit', kill);
  };

  let isOver = false;
  void closed.then(() => {
    isOver = true;
  });
  const isReady = await until(START_MILLIS, async () => isOver || (await ready()));
  if (!isReady || isOver) {
    await stop();
    throw new Error(`${binary} ${args.join(' ')} did not start:\n${log}`);
  }
  return { pid: child.pid as number, log: () => log, stop };
}

/** Ports of 127.0.0.1 that were free a moment ago, for servers that can't say which one they took for 0. */
export async function freePorts<Names extends string>(...names: Names[]): Promise<Record<Names, number>> {
  const servers = names.map(() => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(names.map((name, i) => [name, ports[i]])) as Record<Names, number>;
}

/** Whether something answers HTTP there, with any answer. */
export async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** Whether a TCP connection can be made there. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Asks until the answer is true, and says whether it ever was. */
export async function until(millis: number, condition: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + millis; ; await sleep(POLL_MILLIS)) {
    if (await condition()) return true;
    if (Date.now() > deadline) return false;
  }
}
