import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RuntraceExporterOptions } from 'runtrace/exporter';
import type { Fault as ReceiverFault } from '../../support/otlp-receiver.js';
import type { ChildOptions, Subject } from './child.js';
import { type Trial, until, unusedPort } from './trial.js';

export interface Fault {
  name: string;
  /** What of ours is on trial. Default: our processor and exporter. */
  ours?: Subject;
  /** Whether ours must lose something, which it must count: what is asked is not possible within the bounds. Default: false. */
  losesSome?: boolean;
  /** The sender doesn't tell what the backend refused: it can't be counted, and the documentation says so. */
  untold?: boolean;
  play(trial: Trial): Promise<void>;
}

const MIB = 1024 * 1024;

/** Answers with a fault until so long after the first request. */
function during(millis: number, fault: ReceiverFault): () => ReceiverFault | undefined {
  let began: number | undefined;
  return () => {
    began ??= performance.now();
    return performance.now() - began < millis ? fault : undefined;
  };
}

/** One application, one endpoint: it ends its spans, gets time to deliver them, and is shut down. */
function simple(
  fault: ((requestNumber: number) => ReceiverFault | undefined) | undefined,
  waitMillis: number,
  options: Partial<ChildOptions> = {},
) {
  return async (trial: Trial) => {
    const receiver = await trial.receive(fault && { fault });
    const application = trial.start({ urls: [receiver.url], ...options });
    trial.tookIn(await application.ended());
    await trial.untilArrived(waitMillis);
    trial.countedLost(await application.shutdown());
  };
}

/** The same after it has been killed or shut down: a new process with the same configuration and no spans of its own. */
async function restart(trial: Trial, exporter: RuntraceExporterOptions): Promise<void> {
  const [receiver] = trial.receivers;
  const application = trial.start({ urls: [receiver?.url as string], spans: 0, exporter });
  await application.ended();
  await trial.untilArrived(20_000);
  trial.countedLost(await application.shutdown());
}

const spoolIn = (trial: Trial) => ({ spool: { directory: join(trial.directory, 'spool') } });

export const FAULTS: readonly Fault[] = [
  { name: 'none', play: simple(undefined, 10_000) },
  {
    name: '413 over 1 MiB',
    play: simple(() => ({ kind: 'tooLarge', maxBytes: MIB }), 15_000, {
      spans: 60,
      textBytes: 100_000,
      hugeTextBytes: 3 * MIB,
    }),
  },
  {
    name: '429, Retry-After in seconds, for 15 s',
    play: simple(during(15_000, { kind: 'status', status: 429, headers: { 'retry-after': '15' } }), 60_000),
  },
  {
    name: '429, Retry-After as a date, for 15 s',
    play: async (trial) => {
      const until = new Date(Date.now() + 15_000).toUTCString();
      await simple(during(15_000, { kind: 'status', status: 429, headers: { 'retry-after': until } }), 60_000)(trial);
    },
  },
  { name: '503 for 30 s', play: simple(during(30_000, { kind: 'status', status: 503 }), 90_000, { overMillis: 5000 }) },
  {
    name: 'connection refused for 15 s, then up',
    play: async (trial) => {
      const port = await unusedPort();
      const application = trial.start({ urls: [`http://127.0.0.1:${port}/v1/traces`], overMillis: 5000 });
      trial.tookIn(await application.ended());
      await sleep(10_000);
      await trial.receive({ port });
      await trial.untilArrived(60_000);
      trial.countedLost(await application.shutdown());
    },
  },
  {
    name: 'reset in mid-response',
    play: simple((number) => (number % 2 === 0 ? { kind: 'resetInResponse' } : undefined), 15_000, {
      overMillis: 5000,
    }),
  },
  { name: 'reset after the request, for 15 s', play: simple(during(15_000, { kind: 'reset' }), 60_000) },
  { name: 'accepts and never answers, for 15 s', play: simple(during(15_000, { kind: 'silent' }), 60_000) },
  { name: 'answers garbage for 5 s', play: simple(during(5000, { kind: 'garbage' }), 60_000) },
  {
    name: 'partial success (10 refused)',
    untold: true,
    play: simple((number) => (number === 0 ? { kind: 'partial', rejected: 10 } : undefined), 3000),
  },
  { name: '401', losesSome: true, play: simple(() => ({ kind: 'status', status: 401 }), 3000) },
  {
    name: '401, then a restart with what was missing',
    play: async (trial) => {
      const receiver = await trial.receive({ fault: () => ({ kind: 'status', status: 401 }) });
      const application = trial.start({ urls: [receiver.url], exporter: spoolIn(trial) });
      trial.tookIn(await application.ended());
      await sleep(2000);
      trial.countedLost(await application.shutdown());
      receiver.fault = undefined;
      await restart(trial, spoolIn(trial));
    },
  },
  {
    name: 'one of two destinations down',
    losesSome: true,
    play: async (trial) => {
      const up = await trial.receive();
      const application = trial.start({ urls: [up.url, `http://127.0.0.1:${await unusedPort()}/v1/traces`] });
      trial.tookIn(2 * (await application.ended()));
      await sleep(3000);
      trial.countedLost(await application.shutdown());
    },
  },
  {
    name: '200 MB of spans at once',
    losesSome: true,
    play: simple(undefined, 20_000, { spans: 4000, textBytes: 50_000, overMillis: 0 }),
  },
  {
    name: '200 MB of spans at once, maxQueueBytes 256 MiB',
    play: simple(undefined, 30_000, {
      spans: 4000,
      textBytes: 50_000,
      overMillis: 0,
      exporter: { maxQueueBytes: 256 * MIB },
    }),
  },
  {
    name: 'kill -9 in mid-export, then a restart',
    play: async (trial) => {
      const exporter = { spool: { ...spoolIn(trial).spool, writeAhead: true } };
      const receiver = await trial.receive({ fault: () => ({ kind: 'silent' }) });
      const application = trial.start({ urls: [receiver.url], exporter });
      trial.tookIn(await application.ended());
      await sleep(2000);
      await application.kill();
      receiver.fault = undefined;
      await restart(trial, exporter);
    },
  },
  {
    name: 'kill -9 in mid-spool, then a restart',
    play: async (trial) => {
      const receiver = await trial.receive({ fault: () => ({ kind: 'status', status: 503 }) });
      const application = trial.start({
        urls: [receiver.url],
        spans: 100_000,
        textBytes: 20_000,
        flushes: true,
        exporter: spoolIn(trial),
      });
      // No more than the spool may hold: what leaves it is counted by a process that is killed.
      await until(() => application.flushed >= 10_000, 12_000);
      await application.kill();
      // What a flush has not confirmed may be lost; what it has may not.
      trial.tookIn(application.flushed);
      receiver.fault = undefined;
      await restart(trial, spoolIn(trial));
    },
  },
  {
    name: 'disk full while 503 for 10 s',
    play: async (trial) => {
      const receiver = await trial.receive({ fault: during(10_000, { kind: 'status', status: 503 }) });
      const application = trial.start({ urls: [receiver.url], exporter: spoolIn(trial), overMillis: 3000 }, 100);
      trial.tookIn(await application.ended());
      await trial.untilArrived(60_000);
      trial.countedLost(await application.shutdown());
    },
  },
  {
    name: 'spool directory gone while 503 for 10 s',
    play: async (trial) => {
      const receiver = await trial.receive({ fault: during(10_000, { kind: 'status', status: 503 }) });
      const { spool } = spoolIn(trial);
      const application = trial.start({ urls: [receiver.url], exporter: { spool }, overMillis: 3000 });
      // Not before the exporter is made: it would refuse the directory.
      await until(() => receiver.requests.length > 0, 10_000);
      rmSync(spool.directory, { recursive: true, force: true });
      writeFileSync(spool.directory, 'in the way');
      trial.tookIn(await application.ended());
      await trial.untilArrived(60_000);
      trial.countedLost(await application.shutdown());
    },
  },
  {
    name: 'SIGTERM with 1000 spans queued',
    play: async (trial) => {
      const receiver = await trial.receive({ fault: () => ({ kind: 'slow', delayMillis: 200 }) });
      const application = trial.start({ urls: [receiver.url], overMillis: 0 });
      trial.tookIn(await application.ended());
      trial.countedLost(await application.shutdown('SIGTERM'));
    },
  },
  {
    name: 'SIGTERM while the endpoint is down, then a restart',
    play: async (trial) => {
      const receiver = await trial.receive({ fault: () => ({ kind: 'status', status: 503 }) });
      const application = trial.start({ urls: [receiver.url], overMillis: 0, exporter: spoolIn(trial) });
      trial.tookIn(await application.ended());
      trial.countedLost(await application.shutdown('SIGTERM'));
      receiver.fault = undefined;
      await restart(trial, spoolIn(trial));
    },
  },
  {
    name: 'a foreign batch processor in front, 503 for 15 s',
    ours: 'foreign',
    play: simple(during(15_000, { kind: 'status', status: 503 }), 60_000),
  },
];
