import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type OtlpReceiver, type OtlpReceiverOptions, startOtlpReceiver } from '../../support/otlp-receiver.js';
import type { ChildOptions, FromChild, Subject } from './child.js';

/** What a trial of one exporter under one fault came to. */
export interface Outcome {
  spansIn: number;
  arrived: number;
  duplicates: number;
  /** What the exporter says it has lost. */
  counted: number;
  /** What the endpoint refused or took in a form that it should not have. */
  violations: readonly string[];
}

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** An application with an exporter, as a process of its own, and what it sends to. */
export class Trial {
  readonly subject: Subject;
  /** A directory of the trial's own. */
  readonly directory = mkdtempSync(join(tmpdir(), 'runtrace-faults-'));
  readonly receivers: OtlpReceiver[] = [];
  readonly #children: ChildProcess[] = [];
  #spansIn = 0;
  #counted = 0;

  constructor(subject: Subject) {
    this.subject = subject;
  }

  async receive(options: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
    const receiver = await startOtlpReceiver(options);
    this.receivers.push(receiver);
    return receiver;
  }

  /** Starts an application. With `limit`, no file that it writes may be larger, in blocks of 512 bytes. */
  start(options: Partial<ChildOptions> & { urls: string[] }, limit?: number): Application {
    const all: ChildOptions = { subject: this.subject, spans: 1000, textBytes: 1000, overMillis: 1000, ...options };
    const command = [process.execPath, CHILD, JSON.stringify(all)];
    const [file, ...args] = limit ? ['/bin/sh', '-c', `ulimit -f ${limit}; exec "$@"`, 'sh', ...command] : command;
    const child = spawn(file as string, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#children.push(child);
    return new Application(child);
  }

  /** What is counted as having come in. */
  tookIn(spans: number): void {
    this.#spansIn += spans;
  }

  countedLost(spans: number): void {
    this.#counted += spans;
  }

  /** How many of the spans have arrived, each counted once for each receiver. */
  arrived(): number {
    return this.receivers.reduce((sum, receiver) => sum + distinct(receiver), 0);
  }

  /** Waits until everything that came in has arrived, at most so long. */
  async untilArrived(millis: number): Promise<void> {
    await until(() => this.arrived() >= this.#spansIn, millis);
  }

  async end(): Promise<Outcome> {
    for (const child of this.#children) child.kill('SIGKILL');
    const total = this.receivers.reduce((sum, receiver) => sum + receiver.spans().length, 0);
    const outcome: Outcome = {
      spansIn: this.#spansIn,
      arrived: this.arrived(),
      duplicates: total - this.arrived(),
      counted: this.#counted,
      violations: this.receivers.flatMap(({ violations }) => violations),
    };
    await Promise.all(this.receivers.map((receiver) => receiver.close()));
    rmSync(this.directory, { recursive: true, force: true });
    return outcome;
  }
}

function distinct(receiver: OtlpReceiver): number {
  return new Set(receiver.spans().map(({ spanId }) => spanId)).size;
}

export class Application {
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  /** How many had ended when the last flush was over. */
  flushed = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve(`${code ?? signal}`)));
    child.on('message', (message: FromChild) => {
      if (message.kind === 'flushed') this.flushed = message.spans;
    });
  }

  /** Resolves with how many spans have ended when all have. */
  async ended(): Promise<number> {
    return (await this.#message('ended')).spans;
  }

  /** Shuts it down in an orderly way. Returns how many spans it says it has lost. */
  async shutdown(signal?: NodeJS.Signals): Promise<number> {
    if (signal) this.#child.kill(signal);
    else this.#child.send('shutdown');
    return (await this.#message('done')).counted;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #message<K extends FromChild['kind']>(kind: K): Promise<Extract<FromChild, { kind: K }>> {
    return new Promise((resolve, reject) => {
      this.#child.on('message', (message: FromChild) => {
        if (message.kind === kind) resolve(message as Extract<FromChild, { kind: K }>);
      });
      void this.#exited.then((how) => reject(new Error(`the application ended with ${how}, before it was "${kind}"`)));
    });
  }
}

/** Waits until something is so, at most so long. */
export async function until(isSo: () => boolean, millis: number): Promise<void> {
  for (const end = performance.now() + millis; performance.now() < end && !isSo(); ) await sleep(50);
}

/** A port that nobody listens on. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
