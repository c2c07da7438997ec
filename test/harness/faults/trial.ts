import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseOtlpJson } from '../../support/otlp-receiver.js';
import type { ChildOptions, Figures, FromChild, Subject } from './child.js';
import { type Answer, type Backend, type BackendOptions, startBackend } from './servers.js';

/** What a trial of one exporter under one fault came to. Spans count once for each destination. */
export interface Outcome {
  spansIn: number;
  arrived: number;
  duplicates: number;
  /** Neither arrived nor lost: what a next process will send. */
  onDisk: number;
  /** What the exporter says it has lost. */
  lost: number;
  /** What it says it has delivered and no backend has taken. */
  falselySent: number;
  /** Requests while the backend had asked to be left alone. */
  early: number;
  /** Of the largest process. */
  maxRssBytes: number;
  /** What the backends object to, and what took too long. */
  violations: readonly string[];
}

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
/** How much longer than `shutdownTimeoutMillis` a shutdown may take on a busy machine. */
const SHUTDOWN_TOLERANCE_MILLIS = 5000;

/** An application with an exporter, as a process of its own, and what it sends to. */
export class Trial {
  readonly subject: Subject;
  /** A directory of the trial's own. */
  readonly directory = mkdtempSync(join(tmpdir(), 'runtrace-faults-'));
  readonly backends: Backend[] = [];
  readonly violations: string[] = [];
  readonly #applications: Application[] = [];
  readonly #cleanUps: (() => void)[] = [];
  spansIn = 0;

  readonly #speed: number;

  /** `speed`: how many times faster than real time everything runs. */
  constructor(subject: Subject, speed = 1) {
    this.subject = subject;
    this.#speed = speed;
  }

  /** How long a time of the trial takes. */
  realMillis(millis: number): number {
    return millis / this.#speed;
  }

  /** Answers so until so long after the first request. */
  during(millis: number, answer: Answer): () => Answer | undefined {
    let until: number | undefined;
    return () => {
      until ??= performance.now() + this.realMillis(millis);
      return performance.now() < until ? answer : undefined;
    };
  }

  async receive(options: BackendOptions = {}): Promise<Backend> {
    const backend = await startBackend(options);
    this.backends.push(backend);
    return backend;
  }

  /** Starts an application. With `limit`, no file that it writes may be larger, in blocks of 512 bytes. */
  start(options: Partial<ChildOptions> & { urls: string[] }, limit?: number): Application {
    const all: ChildOptions = {
      subject: this.subject,
      protocol: 'http/protobuf',
      spans: 1000,
      textBytes: 1000,
      end: 'told',
      reportFile: join(this.directory, `report-${this.#applications.length}.json`),
      speed: this.#speed,
      ...options,
      overMillis: this.realMillis(options.overMillis ?? 1000),
    };
    const command = [process.execPath, CHILD, JSON.stringify(all)];
    const [file, ...args] = limit ? ['/bin/sh', '-c', `ulimit -f ${limit}; exec "$@"`, 'sh', ...command] : command;
    // A crash that belongs to the fault prints its stack, and a diag message nothing that the table doesn't say.
    const child = spawn(file as string, args, { stdio: ['ignore', 'inherit', 'ignore', 'ipc'] });
    const application = new Application(child, all);
    this.#applications.push(application);
    return application;
  }

  /** What is counted as having come in. */
  tookIn(spans: number): void {
    this.spansIn += spans;
  }

  /** How many of the spans have arrived, each counted once for each backend. */
  arrived(): number {
    return this.backends.reduce((sum, { spanIds }) => sum + new Set(spanIds).size, 0);
  }

  /** How many of the spans the applications have counted as lost. */
  lost(): number {
    return this.#applications.reduce((sum, { figures }) => sum + figures.lost, 0);
  }

  /** Waits until everything that came in has arrived, or the application tries no more, at most so long. */
  async untilDone(application: Application, millis: number): Promise<void> {
    await until(() => this.arrived() >= this.spansIn || application.figures.pending === 0, millis);
  }

  /** Shuts an application down, which may not take longer than it was told. */
  async shutdown(application: Application, signal?: NodeJS.Signals): Promise<void> {
    const { exporter } = application.options;
    const allowed = this.realMillis(exporter?.shutdownTimeoutMillis ?? 10_000) + SHUTDOWN_TOLERANCE_MILLIS;
    const late = sleep(allowed, 'late', { ref: false });
    if ((await Promise.race([application.shutdown(signal), late])) === 'late') {
      this.violations.push(`a shutdown is not over after ${allowed} ms`);
    }
  }

  /** Called when the trial is over. */
  after(cleanUp: () => void): void {
    this.#cleanUps.push(cleanUp);
  }

  async end(): Promise<Outcome> {
    await Promise.all(this.#applications.map((application) => application.kill()));
    const arrived = new Set(this.backends.flatMap(({ spanIds }) => spanIds));
    const figures = this.#applications.map((application) => application.figures);
    const lost = this.lost();
    const total = this.backends.reduce((sum, { spanIds }) => sum + spanIds.length, 0);
    const outcome: Outcome = {
      spansIn: this.spansIn,
      arrived: this.arrived(),
      duplicates: total - this.arrived(),
      onDisk: spansIn(this.directory).filter((id) => !arrived.has(id)).length,
      lost,
      falselySent: Math.max(0, figures.reduce((sum, { sent }) => sum + sent, 0) - this.arrived()),
      early: this.backends.reduce((sum, { early }) => sum + early, 0),
      maxRssBytes: Math.max(...figures.map(({ maxRssBytes }) => maxRssBytes)),
      violations: [...this.violations, ...this.backends.flatMap(({ violations }) => violations)],
    };
    await Promise.all(this.backends.map((backend) => backend.close()));
    for (const cleanUp of this.#cleanUps.reverse()) cleanUp();
    rmSync(this.directory, { recursive: true, force: true });
    return outcome;
  }
}

/** The ids of the spans in the files of a spool. */
function spansIn(directory: string): string[] {
  const spool = join(directory, 'spool');
  if (!existsSync(spool) || !statSync(spool).isDirectory()) return [];
  const files = readdirSync(spool, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const ids = files.flatMap((file) =>
    readFileSync(join(file.parentPath, file.name), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .flatMap((line) => parseOtlpJson(line).spans.map(({ spanId }) => spanId)),
  );
  return [...new Set(ids)];
}

export class Application {
  readonly options: ChildOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  readonly #received: FromChild[] = [];
  /** How many had ended when the last flush was over. */
  flushed = 0;
  /** The last that it told. */
  figures: Figures = { ended: 0, sent: 0, lost: 0, pending: Number.POSITIVE_INFINITY, maxRssBytes: 0 };

  constructor(child: ChildProcess, options: ChildOptions) {
    this.#child = child;
    this.options = options;
    this.#exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve(`${code ?? signal}`)));
    child.on('message', (message: FromChild) => {
      if (message.kind !== 'figures') this.#received.push(message);
      if (message.kind === 'flushed') this.flushed = message.spans;
      if (message.kind === 'figures') this.figures = message.figures;
    });
  }

  /** Resolves with how many spans have ended when all have. */
  async ended(): Promise<number> {
    return (await this.#message('ended')).spans;
  }

  /** Shuts it down in an orderly way. */
  async shutdown(signal?: NodeJS.Signals): Promise<void> {
    if (signal) this.#child.kill(signal);
    else this.#child.send('shutdown');
    await this.#message('done');
  }

  /** Resolves when it has ended by itself, with what it wrote last. */
  async exited(): Promise<void> {
    await this.#exited;
    if (existsSync(this.options.reportFile)) {
      this.figures = JSON.parse(readFileSync(this.options.reportFile, 'utf8')) as Figures;
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #message<K extends FromChild['kind']>(kind: K): Promise<Extract<FromChild, { kind: K }>> {
    const isIt = (message: FromChild): message is Extract<FromChild, { kind: K }> => message.kind === kind;
    const how = this.#exited.then((how) => {
      throw new Error(`the application ended with ${how}, before it was "${kind}"`);
    });
    how.catch(() => {});
    for (;;) {
      const message = this.#received.find(isIt);
      if (message) return message;
      await Promise.race([once(this.#child, 'message'), how]);
    }
  }
}

/** Waits until something is so, at most so long. */
export async function until(isSo: () => boolean, millis: number): Promise<void> {
  for (const end = performance.now() + millis; performance.now() < end && !isSo(); ) await sleep(50);
}

/** A port without a listener. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
