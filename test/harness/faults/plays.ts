/** What happens in a trial: the forms that the rows of the table are made of. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RuntraceExporterOptions } from 'runtrace/exporter';
import type { ChildOptions, End } from './child.js';
import type { BackendOptions } from './servers.js';
import { type Trial, until } from './trial.js';

export type Play = (trial: Trial) => Promise<void>;

export interface Simple extends BackendOptions {
  /** How long the application may take to deliver, at most. Default: a minute. */
  waitMillis?: number;
  application?: Partial<ChildOptions>;
}

/** One application, one backend: it ends its spans, gets time to deliver them, and is shut down. */
export function simple(backend: Simple | ((trial: Trial) => Simple) = {}): Play {
  return async (trial) => {
    const { waitMillis = 60_000, application, ...options } = typeof backend === 'function' ? backend(trial) : backend;
    const { url } = await trial.receive(options);
    await deliver(trial, url, waitMillis, application);
  };
}

/** No backend is behind `url`. */
export function nowhere(url: string): Play {
  return (trial) => deliver(trial, url, 2000, { exporter: { shutdownTimeoutMillis: 3000 } });
}

async function deliver(
  trial: Trial,
  url: string,
  waitMillis: number,
  options: Partial<ChildOptions> = {},
): Promise<void> {
  const application = trial.start({ urls: [url], ...options });
  trial.tookIn(await application.ended());
  await trial.untilDone(application, waitMillis);
  await trial.shutdown(application);
}

/** The backend is there and gone by turns. */
export function upAndDown(everyMillis: number, forMillis: number): Play {
  return async (trial) => {
    const backend = await trial.receive();
    const application = trial.start({ urls: [backend.url], spans: 3000, overMillis: forMillis });
    const ended = application.ended();
    ended.catch(() => {}); // It is awaited below, unless this fails first.
    const end = performance.now() + forMillis;
    for (let isUp = true; performance.now() < end; isUp = !isUp) {
      await sleep(everyMillis);
      await (isUp ? backend.down() : backend.up());
    }
    await backend.up();
    trial.tookIn(await ended);
    await trial.untilDone(application, 60_000);
    await trial.shutdown(application);
  };
}

/** The application ends, with or without a spool; with one, the next process sends what the first did not. */
export function ends(end: End, withSpool: boolean): Play {
  return async (trial) => {
    const backend = await trial.receive();
    const exporter = withSpool ? spoolIn(trial) : {};
    const application = trial.start({ urls: [backend.url], overMillis: 0, end, exporter });
    trial.tookIn(application.options.spans);
    await application.exited();
    if (withSpool) await restart(trial, exporter);
  };
}

/** The application is told to end while the backend is down. */
export function endsOnSignal(withSpool: boolean): Play {
  return async (trial) => {
    const backend = await trial.receive({ answer: () => ({ kind: 'status', status: 503 }) });
    const exporter = { ...(withSpool && spoolIn(trial)), shutdownTimeoutMillis: 2000 };
    const application = trial.start({ urls: [backend.url], overMillis: 0, exporter });
    trial.tookIn(await application.ended());
    await trial.shutdown(application, 'SIGTERM');
    if (!withSpool) return;
    backend.answer = undefined;
    await restart(trial, exporter);
  };
}

export interface Disk {
  exporter?: Partial<NonNullable<RuntraceExporterOptions['spool']>>;
  spans?: number;
  /** Of a file system of its own for the spool. */
  sizeKib?: number;
  /** Called when the first request has failed. */
  spoil?: (spoolDirectory: string) => void | Promise<void>;
  /** No file may be larger, in blocks of 512 bytes. */
  fileLimit?: number;
}

/** The backend is down for ten seconds, and something is wrong with the disk of the spool. */
export function onDisk({ exporter, spans = 1000, sizeKib, spoil, fileLimit }: Disk): Play {
  return async (trial) => {
    const backend = await trial.receive({ answer: trial.during(10_000, { kind: 'status', status: 503 }) });
    const { spool } = spoolIn(trial);
    if (sizeKib !== undefined) mountTmpfs(trial, spool.directory, sizeKib);
    const options = { spool: { ...spool, ...exporter } };
    const application = trial.start({ urls: [backend.url], spans, exporter: options, overMillis: 3000 }, fileLimit);
    if (spoil) {
      // Not before the exporter is made: it would refuse the directory.
      await until(() => backend.requests > 0, 60_000);
      await spoil(spool.directory);
    }
    trial.tookIn(await application.ended());
    await trial.untilDone(application, 60_000);
    await trial.shutdown(application);
  };
}

/** Whether this process may mount file systems. */
export const canMount = (() => {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

function mountTmpfs(trial: Trial, directory: string, sizeKib: number): void {
  mkdirSync(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKib}k`, 'tmpfs', directory]);
  trial.after(() => execFileSync('umount', ['--lazy', directory]));
}

/** Fails as long as a file is open for writing, so it is tried until there is none. */
export async function remountReadOnly(directory: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { status } = spawnSync('mount', ['-o', 'remount,ro', directory], { stdio: 'ignore' });
    if (status === 0) return;
    await sleep(20);
  }
  throw new Error('the disk did not become read-only');
}

export const spoolIn = (trial: Trial) => ({ spool: { directory: join(trial.directory, 'spool') } });

/** A new process with the same configuration and no spans of its own. */
export async function restart(trial: Trial, exporter: RuntraceExporterOptions): Promise<void> {
  const [backend] = trial.backends;
  const application = trial.start({ urls: [backend?.url as string], spans: 0, exporter });
  await application.ended();
  // It has none of its own, so only the backend tells when all have come.
  if (trial.subject !== 'stock') await until(() => trial.arrived() + trial.lost() >= trial.spansIn, 60_000);
  await trial.shutdown(application);
}
