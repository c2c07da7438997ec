/** The table of everything that can happen to the spans of an application. */
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Protocol, Subject } from './child.js';
import {
  canMount,
  ends,
  endsOnSignal,
  nowhere,
  onDisk,
  type Play,
  remountReadOnly,
  restart,
  simple,
  spoolIn,
  upAndDown,
} from './plays.js';
import type { Answer } from './servers.js';
import { until, unusedPort } from './trial.js';

export interface Fault {
  name: string;
  play: Play;
  /** What of ours is on trial. Default: our processor and exporter. */
  ours?: Subject;
  /** Whether ours must lose something, which it must count: what is asked is not possible within the bounds. Default: false. */
  losesSome?: boolean;
  /** Whether more spans may be there than had been confirmed when the process was killed. */
  hasUnconfirmed?: boolean;
  /** Whether the backend is well before the last spans end, so that some must arrive. */
  recovers?: boolean;
  /** Whether what is counted as lost may have been under way, and arrive: no code is left that could tell. */
  countsUnderWay?: boolean;
  /** How much memory the process may take. */
  maxRssBytes?: number;
  /**
   * How many times faster than real time the trial of ours runs: its clock, the application and the backend. For rows in which ours
   * waits, and does so by its clock alone; the stock exporter has only real time. Default: 1.
   */
  speed?: number;
  /** About how long it takes, if that is long. */
  takesSeconds?: number;
  /** Why it can't be played here. */
  cannotPlay?: string | undefined;
}

const MIB = 1024 * 1024;
/** Not more: a loaded machine is late by tenths of seconds. */
const QUICK = 4;
const unavailable: Answer = { kind: 'status', status: 503 };

/** 429 with that Retry-After for a second, by a backend that then counts who does not wait. */
function retryAfter(header: string, windowMillis?: number, waitMillis = 60_000): Play {
  const answer: Answer = { kind: 'status', status: 429, headers: { 'retry-after': header } };
  return simple((trial) => ({
    answer: trial.during(1000, { ...answer, windowMillis: trial.realMillis(windowMillis ?? 0) }),
    waitMillis,
  }));
}

/** The same with a date, so long after the first request. */
function retryAfterDate(millis: number): Play {
  return simple((trial) => {
    let date: number | undefined;
    const inTime = trial.during(1000, { kind: 'silent' });
    return {
      answer() {
        if (!inTime()) return undefined;
        // An HTTP date has whole seconds.
        date ??= Math.floor((Date.now() + millis) / 1000) * 1000;
        const headers = { 'retry-after': new Date(date).toUTCString() };
        return { kind: 'status', status: 429, headers, windowMillis: date - Date.now() };
      },
    };
  });
}

/** Something else than 200 for five seconds, while spans go on ending. */
function answersForFiveSeconds(status: number, headers?: Record<string, string>): Play {
  return simple((trial) => ({
    answer: trial.during(5000, { kind: 'status', status, ...(headers && { headers }) }),
    application: { overMillis: 12_000 },
  }));
}

const inFormat = (protocol: Protocol, answer: Answer): Play =>
  simple({ answer: () => answer, application: { protocol } });
const rejectsTen = (protocol: Protocol): Play =>
  simple({
    speaks: protocol === 'grpc' ? 'grpc' : 'http',
    answer: (number) => (number === 0 ? { kind: 'partial', rejected: 10 } : undefined),
    application: { protocol },
  });
const overGrpc = (answer: () => Answer | undefined, waitMillis = 60_000): Play =>
  simple({ speaks: 'grpc', answer, waitMillis, application: { protocol: 'grpc' } });

const ENDS = { 'process.exit()': 'exit', 'a natural end': 'natural', 'an uncaught error': 'throw' } as const;
/** What only a spool saves: there is no time to send it. */
const SUDDEN = new Set<string>(['exit', 'throw']);

export const FAULTS: readonly Fault[] = [
  { name: 'none', play: simple() },
  { name: 'none, JSON', play: simple({ application: { protocol: 'http/json' } }) },
  { name: 'none, gRPC', play: simple({ speaks: 'grpc', application: { protocol: 'grpc' } }) },

  // Answers
  { name: 'partial success (10 rejected), JSON', losesSome: true, play: rejectsTen('http/json') },
  { name: 'partial success (10 rejected), Protobuf', losesSome: true, play: rejectsTen('http/protobuf') },
  { name: 'partial success (10 rejected), gRPC', losesSome: true, play: rejectsTen('grpc') },
  {
    name: '200 with HTML',
    losesSome: true,
    play: simple({
      answer: () => ({
        kind: 'status',
        status: 200,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<!doctype html><title>Jaeger UI</title>',
      }),
    }),
  },
  { name: '429, Retry-After 25', speed: QUICK, takesSeconds: 35, play: retryAfter('25', 25_000) },
  {
    name: '429, Retry-After as a date, 12 s from now',
    play: retryAfterDate(12_000),
  },
  {
    name: '429, Retry-After 1e9, then a shutdown',
    speed: QUICK,
    losesSome: true,
    play: retryAfter('1e9', 1e12, 10_000),
  },
  { name: '429, Retry-After -5', play: retryAfter('-5') },
  { name: '429, Retry-After nonsense', play: retryAfter('soon') },
  {
    name: '429, Retry-After 15, for 15 s',
    speed: QUICK,
    takesSeconds: 40,
    play: simple((trial) => ({
      answer: trial.during(15_000, { kind: 'status', status: 429, headers: { 'retry-after': '15' } }),
    })),
  },
  ...[408, 500, 404].map(
    (status): Fault => ({
      name: `${status} for 5 s`,
      losesSome: true,
      recovers: true,
      play: answersForFiveSeconds(status),
    }),
  ),
  {
    name: '301 for 5 s',
    losesSome: true,
    recovers: true,
    play: answersForFiveSeconds(301, { location: '/elsewhere' }),
  },
  { name: '401', losesSome: true, play: simple({ answer: () => ({ kind: 'status', status: 401 }), waitMillis: 3000 }) },
  {
    name: '401, then a restart with what was missing',
    play: async (trial) => {
      const backend = await trial.receive({ answer: () => ({ kind: 'status', status: 401 }) });
      const application = trial.start({ urls: [backend.url], exporter: spoolIn(trial) });
      trial.tookIn(await application.ended());
      await sleep(2000);
      await trial.shutdown(application);
      backend.answer = undefined;
      await restart(trial, spoolIn(trial));
    },
  },
  {
    name: '413 over 1 MiB',
    play: simple({
      answer: () => ({ kind: 'tooLarge', maxBytes: MIB }),
      application: { spans: 60, textBytes: 100_000, hugeTextBytes: 3 * MIB },
    }),
  },
  {
    name: '413 to everything',
    speed: QUICK,
    losesSome: true,
    takesSeconds: 35,
    play: simple({ answer: () => ({ kind: 'tooLarge', maxBytes: 0 }), waitMillis: 20_000 }),
  },
  { name: '415 for gzip', play: inFormat('http/protobuf', { kind: 'refusesForm', form: 'gzip' }) },
  { name: '415 for JSON', play: inFormat('http/json', { kind: 'refusesForm', form: 'json' }) },
  { name: '415 for Protobuf', play: inFormat('http/protobuf', { kind: 'refusesForm', form: 'protobuf' }) },
  {
    name: '503 for 30 s',
    speed: QUICK,
    takesSeconds: 60,
    play: simple((trial) => ({
      answer: trial.during(30_000, unavailable),
      waitMillis: 90_000,
      application: { overMillis: 5000 },
    })),
  },
  { name: '102 and 103 before 200', play: simple({ answer: () => ({ kind: 'informational' }) }) },
  {
    name: 'an answer of 1 GB',
    maxRssBytes: 400 * MIB,
    play: simple({ answer: () => ({ kind: 'hugeAnswer', bytes: 1e9 }) }),
  },
  {
    name: 'an answer of a byte each 200 ms, for 5 s',
    play: simple((trial) => ({ answer: trial.during(5000, { kind: 'trickle' }) })),
  },
  {
    name: 'an answer of a byte each 200 ms, for ever',
    speed: QUICK,
    losesSome: true,
    takesSeconds: 35,
    play: simple({ answer: () => ({ kind: 'trickle' }), waitMillis: 2000 }),
  },
  {
    name: 'answers garbage for 5 s',
    play: simple((trial) => ({ answer: trial.during(5000, { kind: 'garbage' }) })),
  },
  { name: 'a link with NaN, JSON', play: simple({ application: { oddLinks: true, protocol: 'http/json' } }) },
  { name: 'a link with NaN, Protobuf', play: simple({ application: { oddLinks: true } }) },

  // gRPC
  {
    name: 'gRPC UNAVAILABLE for 5 s',
    play: (trial) => overGrpc(trial.during(5000, { kind: 'grpc', code: 14, message: 'starting' }))(trial),
  },
  {
    name: 'gRPC RESOURCE_EXHAUSTED, RetryInfo 8 s',
    play: (trial) =>
      overGrpc(trial.during(1000, { kind: 'grpc', code: 8, message: 'quota', retryInMillis: 8000 }))(trial),
  },
  {
    name: 'gRPC RESOURCE_EXHAUSTED, no RetryInfo',
    losesSome: true,
    play: overGrpc(() => ({ kind: 'grpc', code: 8, message: 'quota' })),
  },
  { name: 'gRPC message over 256 KiB', play: overGrpc(() => ({ kind: 'tooLarge', maxBytes: 256 * 1024 })) },

  // Connections
  {
    name: 'connection refused for 15 s, then up',
    speed: QUICK,
    takesSeconds: 40,
    play: async (trial) => {
      const port = await unusedPort();
      const application = trial.start({ urls: [`http://127.0.0.1:${port}/v1/traces`], overMillis: 5000 });
      trial.tookIn(await application.ended());
      await sleep(trial.realMillis(10_000));
      await trial.receive({ port });
      await trial.untilDone(application, 60_000);
      await trial.shutdown(application);
    },
  },
  {
    name: 'reset in mid-response, every other time',
    play: simple({
      answer: (number) => (number % 2 === 0 ? { kind: 'resetInResponse' } : undefined),
      application: { overMillis: 5000 },
    }),
  },
  {
    name: 'reset after the request, for 15 s',
    speed: QUICK,
    takesSeconds: 40,
    play: simple((trial) => ({ answer: trial.during(15_000, { kind: 'reset' }) })),
  },
  {
    name: 'accepts and never answers, for 15 s',
    speed: QUICK,
    takesSeconds: 40,
    play: simple((trial) => ({ answer: trial.during(15_000, { kind: 'silent' }) })),
  },
  {
    name: 'keep-alive closed at the second request',
    play: simple({ closesReused: true, application: { overMillis: 6000 } }),
  },
  { name: 'up and down every 2 s, for 60 s', takesSeconds: 80, play: upAndDown(2000, 60_000) },
  {
    name: 'TLS with a certificate that is not trusted',
    losesSome: true,
    play: simple({ speaks: 'https', waitMillis: 2000, application: { exporter: { shutdownTimeoutMillis: 3000 } } }),
  },
  { name: 'a host that does not exist', losesSome: true, play: nowhere('http://collector.invalid:4318/v1/traces') },
  {
    name: 'one of two destinations down',
    losesSome: true,
    play: async (trial) => {
      const up = await trial.receive();
      const urls = [up.url, `http://127.0.0.1:${await unusedPort()}/v1/traces`];
      const application = trial.start({ urls });
      trial.tookIn(2 * (await application.ended()));
      await sleep(3000);
      await trial.shutdown(application);
    },
  },

  // Much
  {
    name: '200 MB of spans at once',
    losesSome: true,
    takesSeconds: 30,
    play: simple({ waitMillis: 120_000, application: { spans: 4000, textBytes: 50_000, overMillis: 0 } }),
  },
  {
    name: '200 MB of spans at once, maxQueueBytes 256 MiB',
    takesSeconds: 30,
    play: simple({
      waitMillis: 120_000,
      application: { spans: 4000, textBytes: 50_000, overMillis: 0, exporter: { maxQueueBytes: 256 * MIB } },
    }),
  },

  // Ends
  ...Object.entries(ENDS).flatMap(([name, end]): Fault[] => [
    { name, losesSome: SUDDEN.has(end), play: ends(end, false) },
    { name: `${name}, spool, a restart`, play: ends(end, true) },
  ]),
  { name: 'a worker’s end', play: ends('worker', false) },
  { name: 'a worker’s end, spool, a restart', play: ends('worker', true) },
  { name: 'worker.terminate()', losesSome: true, countsUnderWay: true, play: ends('terminate', false) },
  {
    name: 'worker.terminate(), spool, a restart',
    losesSome: true,
    countsUnderWay: true,
    play: ends('terminate', true),
  },
  { name: 'SIGTERM while 503', losesSome: true, play: endsOnSignal(false) },
  { name: 'SIGTERM while 503, spool, a restart', play: endsOnSignal(true) },
  {
    name: 'SIGTERM with 1000 spans queued',
    play: async (trial) => {
      const backend = await trial.receive({ answer: () => ({ kind: 'slow', delayMillis: 200 }) });
      const application = trial.start({ urls: [backend.url], overMillis: 0 });
      trial.tookIn(await application.ended());
      await trial.shutdown(application, 'SIGTERM');
    },
  },
  {
    name: 'kill -9 in mid-export, then a restart',
    play: async (trial) => {
      const exporter = { spool: { ...spoolIn(trial).spool, writeAhead: true } };
      const backend = await trial.receive({ answer: () => ({ kind: 'silent' }) });
      const application = trial.start({ urls: [backend.url], exporter });
      trial.tookIn(await application.ended());
      await sleep(2000);
      await application.kill();
      backend.answer = undefined;
      await restart(trial, exporter);
    },
  },
  {
    name: 'kill -9 in mid-spool, then a restart',
    hasUnconfirmed: true,
    takesSeconds: 35,
    play: async (trial) => {
      const backend = await trial.receive({ answer: () => unavailable });
      const application = trial.start({
        urls: [backend.url],
        spans: 100_000,
        textBytes: 20_000,
        flushes: true,
        exporter: spoolIn(trial),
      });
      // No more than the spool may hold: what leaves it is counted by a process that is killed.
      await until(() => application.flushed >= 10_000, 12_000);
      await until(() => application.flushed > 0, 60_000);
      await application.kill();
      // Only what a flush has confirmed must be there.
      trial.tookIn(application.flushed);
      backend.answer = undefined;
      await restart(trial, spoolIn(trial));
    },
  },

  // Disks
  {
    name: 'disk full while 503 for 10 s',
    takesSeconds: 30,
    play: onDisk({ sizeKib: 256 }),
    cannotPlay: canMount ? undefined : 'only root can mount a small disk',
  },
  { name: 'no file may grow beyond 50 KiB while 503 for 10 s', takesSeconds: 30, play: onDisk({ fileLimit: 100 }) },
  {
    name: 'spool becomes read-only while 503 for 10 s',
    takesSeconds: 30,
    play: onDisk({ sizeKib: 64 * 1024, spoil: remountReadOnly }),
    cannotPlay: canMount ? undefined : 'only root can mount a disk',
  },
  {
    name: 'spool directory gone while 503 for 10 s',
    // What is in the directory when it is removed can't be kept, but must be counted.
    losesSome: true,
    takesSeconds: 30,
    play: onDisk({
      spoil: (directory) => {
        rmSync(directory, { recursive: true, force: true });
        writeFileSync(directory, 'in the way');
      },
    }),
  },
  {
    name: 'spool of 2 MiB, 6000 spans while 503 for 10 s',
    takesSeconds: 30,
    play: onDisk({ exporter: { maxBytes: 2 * MIB }, spans: 6000 }),
  },

  // Beside others
  {
    name: 'a foreign batch processor in front, 503 for 15 s',
    ours: 'foreign',
    takesSeconds: 40,
    play: simple((trial) => ({ answer: trial.during(15_000, unavailable) })),
  },
];
