import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { badOption, checkNumber, requireObject, requireString } from '../../util/validation.js';
import { TARGET_BYTES } from '../backoff.js';
import { decodeRequest, encodeRequest } from '../otlp/json.js';
import type { ReadableSpan } from '../otlp/span.js';

export interface SpoolOptions {
  /** Where the files are; made if it isn't there. Several processes may share it. */
  directory: string;
  /** What the files may take up together, in bytes, at least 2 MiB. The oldest leave first. Default: 512 MiB. */
  maxBytes?: number;
  /** How old a file may get, in milliseconds. Default: 24 hours. */
  maxAgeMillis?: number;
  /**
   * Whether spans go to disk first, and are sent from there, so that even `kill -9` loses only what ended within the last
   * `scheduledDelayMillis`. Costs writing and reading every span once. Default: false, only what can't be delivered goes to disk.
   */
  writeAhead?: boolean;
}

/** Spans on disk, one request. Its name says when it was written, and how much is in it: nobody has to open it to count. */
export interface SpoolFile {
  readonly base: string;
  readonly atMillis: number;
  readonly spans: number;
  readonly bytes: number;
}

/** Told what left the spool without having been delivered. */
export type OnLost = (why: string, spans: number, bytes: number) => void;

/*
 * A file goes through names, and each change of name is atomic:
 *
 *   BASE.jsonl.writing-OWNER → BASE.jsonl (anybody may take it) → BASE.jsonl.sending-OWNER → gone, or BASE.jsonl again
 *
 * with BASE = MILLIS-SPANS-BYTES-RANDOM and OWNER = HOST-PID-RANDOM. What a dead process owned is taken over by others.
 */
const FORM = /^((\d{13})-(\d+)-(\d+)-[0-9a-f]{12})\.jsonl(?:\.(?:writing|sending)-(.+)-(\d+)-([0-9a-f]{12}))?$/;
const HOST = hostname().replace(/[^\w.]/g, '_') || 'host';
const PROCESS = randomBytes(6).toString('hex');
const OWNER = `${HOST}-${process.pid}-${PROCESS}`;
const RESCAN_MILLIS = 10_000;
/** After that long, a file of a process on another machine is taken for abandoned. */
const ABANDONED_MILLIS = 10 * 60_000;
/** What was refused is offered again after that long: a credential may have been renewed. */
const ASIDE_MILLIS = 60 * 60_000;

/**
 * OTLP JSON files in a directory, for what can't be delivered now. Nobody but the owner may read them.
 *
 * Survives `kill -9` at any moment: a file that was being written is found by the next process and what is whole in it is
 * kept. A file that was being sent is sent again, so a crash may deliver twice, never not at all. Nothing is
 * fsynced: a power cut may lose the last seconds.
 */
export class Spool {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #maxAgeMillis: number;
  readonly #onLost: OnLost;
  /** Files that anybody may take, as far as is known, oldest first. */
  #free: SpoolFile[] = [];
  readonly #mine = new Set<SpoolFile>();
  readonly #aside = new Map<string, number>();
  #bytes = 0;
  #scannedAt = 0;
  readonly #taking = new Set<Promise<unknown>>();
  #isClosed = false;

  /** @throws TypeError if the directory can't be written. */
  constructor(options: SpoolOptions, onLost: OnLost) {
    this.#directory = resolve(options.directory);
    this.#maxBytes = options.maxBytes ?? 512 * 1024 * 1024;
    this.#maxAgeMillis = options.maxAgeMillis ?? 24 * 60 * 60_000;
    this.#onLost = onLost;
    prepareDirectory(this.#directory);
  }

  /** Whether there may be something to send. */
  get hasFiles(): boolean {
    return this.#free.some(({ base }) => !this.#aside.has(base));
  }

  /** Looks at what is there: free files, and those of processes that are no more. Removes what is too old. */
  async scan(): Promise<void> {
    const found = new Map<string, SpoolFile>();
    let bytes = 0;
    this.#scannedAt = Date.now();
    for (const name of (await readdir(this.#directory)).sort()) {
      const match = FORM.exec(name);
      if (!match) continue;
      const file = toFile(match);
      bytes += file.bytes;
      const isFree = name.endsWith('.jsonl') || (await this.#takeOver(name, match));
      if (!isFree) continue;
      if (Date.now() - file.atMillis > this.#maxAgeMillis) {
        bytes -= file.bytes;
        await this.#discard(file, 'they were too old');
      } else found.set(file.base, file);
    }
    // Meanwhile some may have been taken, and others have come.
    for (const file of this.#free) found.set(file.base, file);
    for (const file of this.#mine) found.delete(file.base);
    this.#free = [...found.values()];
    this.#bytes = bytes;
    for (const [base, until] of this.#aside) if (Date.now() >= until) this.#aside.delete(base);
  }

  /**
   * Puts spans on disk, for anybody to send.
   *
   * @throws if it can't; then nothing of them is on disk.
   */
  async write(spans: readonly ReadableSpan[], atMillis?: number): Promise<SpoolFile> {
    const { file, content } = compose(spans, atMillis);
    await this.#makeRoom(file.bytes);
    const writing = this.#path(file, 'writing');
    try {
      await writeFile(writing, content, { mode: 0o600, flag: 'wx' });
      await rename(writing, this.#path(file));
    } catch (error) {
      await rm(writing, { force: true }).catch(() => {});
      throw error;
    }
    this.#bytes += file.bytes;
    this.#free.push(file);
    return file;
  }

  /** The same, for a process that has no time left. */
  writeSync(spans: readonly ReadableSpan[]): void {
    const { file, content } = compose(spans);
    const writing = this.#path(file, 'writing');
    writeFileSync(writing, content, { mode: 0o600, flag: 'wx' });
    renameSync(writing, this.#path(file));
  }

  /** Takes the oldest file, so that no other process does. The caller owes `release` or `remove`. */
  async take(): Promise<SpoolFile | undefined> {
    const taking = this.#take();
    this.#taking.add(taking);
    try {
      return await taking;
    } finally {
      this.#taking.delete(taking);
    }
  }

  async #take(): Promise<SpoolFile | undefined> {
    for (;;) {
      const index = this.#free.findIndex(({ base }) => !this.#aside.has(base));
      const [file] = index < 0 ? [] : this.#free.splice(index, 1);
      if (!file) return undefined;
      const free = this.#path(file);
      try {
        // The age of a file on another machine is the only sign that its owner is gone.
        await utimes(free, new Date(), new Date());
        await rename(free, this.#path(file, 'sending'));
        this.#mine.add(file);
        if (!this.#isClosed) return file;
        await this.release(file);
        return undefined;
      } catch (error) {
        this.#bytes -= file.bytes;
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // else somebody else was faster
      }
    }
  }

  /** What is in a file that was taken. A line that was torn off is reported as lost. */
  async read(file: SpoolFile): Promise<ReadableSpan[]> {
    const lines = (await readFile(this.#path(file, 'sending'), 'utf8')).split('\n').filter(Boolean);
    const spans = lines.flatMap(decodeWhole);
    const torn = file.spans - spans.length;
    if (torn > 0)
      this.#onLost('the end of their file was torn off', torn, Math.round((file.bytes * torn) / file.spans));
    return spans;
  }

  /** Gives a file back, to be sent later; `refused` keeps it from this process for an hour. */
  async release(file: SpoolFile, refused = false): Promise<void> {
    if (!this.#mine.delete(file)) return;
    if (refused) this.#aside.set(file.base, Date.now() + ASIDE_MILLIS);
    await rename(this.#path(file, 'sending'), this.#path(file));
    this.#free.push(file);
  }

  /** What was in the file is delivered, or in another one. */
  async remove(file: SpoolFile): Promise<void> {
    if (!this.#mine.delete(file)) return;
    this.#bytes -= file.bytes;
    await rm(this.#path(file, 'sending'), { force: true });
  }

  /** Sets aside what was just written because the endpoint refused it. */
  setAside(file: SpoolFile): void {
    this.#aside.set(file.base, Date.now() + ASIDE_MILLIS);
  }

  /** Gives back everything, also what is just being taken. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#taking);
    for (const file of this.#mine) await this.release(file).catch(() => {});
  }

  async #makeRoom(bytes: number): Promise<void> {
    if (bytes > this.#maxBytes) throw new Error(`${bytes} bytes are more than the whole spool may hold`);
    // Other processes fill the directory too.
    if (this.#bytes + bytes > this.#maxBytes || Date.now() - this.#scannedAt > RESCAN_MILLIS) await this.scan();
    if (this.#bytes + bytes <= this.#maxBytes) return;
    this.#free.sort((a, b) => a.atMillis - b.atMillis);
    while (this.#bytes + bytes > this.#maxBytes) {
      const oldest = this.#free.shift();
      if (!oldest) throw new Error('the spool is full of files that are being sent');
      this.#bytes -= oldest.bytes;
      await this.#discard(oldest, 'the spool was full');
    }
  }

  async #discard(file: SpoolFile, why: string): Promise<void> {
    try {
      await rm(this.#path(file));
      this.#onLost(why, file.spans, file.bytes);
    } catch {
      // Somebody else has taken it, or discarded and counted it.
    }
  }

  /** Frees a file whose owner is no more. */
  async #takeOver(name: string, match: RegExpExecArray): Promise<boolean> {
    const [, base, , , , host, pid, owner] = match;
    const path = join(this.#directory, name);
    if (owner === PROCESS) return false;
    try {
      const isAbandoned =
        host === HOST && Number(pid) !== process.pid
          ? !isAlive(Number(pid))
          : Date.now() - (await stat(path)).mtimeMs > (host === HOST ? longestOfOurs() : ABANDONED_MILLIS);
      if (isAbandoned) await rename(path, join(this.#directory, `${base}.jsonl`));
      return isAbandoned;
    } catch {
      return false; // Somebody else was faster.
    }
  }

  #path(file: SpoolFile, state?: 'writing' | 'sending'): string {
    return join(this.#directory, `${file.base}.jsonl${state ? `.${state}-${OWNER}` : ''}`);
  }
}

function compose(spans: readonly ReadableSpan[], atMillis = Date.now()): { file: SpoolFile; content: Buffer } {
  const content = Buffer.from(`${encodeRequest(spans)}\n`);
  const base = `${atMillis}-${spans.length}-${content.length}-${randomBytes(6).toString('hex')}`;
  return { content, file: { base, atMillis, spans: spans.length, bytes: content.length } };
}

function toFile(match: RegExpExecArray): SpoolFile {
  const [, base, atMillis, spans, bytes] = match;
  return { base: base as string, atMillis: Number(atMillis), spans: Number(spans), bytes: Number(bytes) };
}

function decodeWhole(line: string): ReadableSpan[] {
  try {
    return decodeRequest(line);
  } catch {
    return [];
  }
}

/**
 * How long ago a file with our process's number may have been touched and still be in somebody's hands: of another thread's. What is older than
 * we are is of one that had the number before us: in a container every process is number 1.
 */
function longestOfOurs(): number {
  return Math.min(ABANDONED_MILLIS, process.uptime() * 1000);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @throws TypeError that names the option. */
export function checkSpoolOptions(options: SpoolOptions): void {
  requireObject(options, 'spool');
  requireString(options.directory, 'spool.directory');
  // What holds no file of the usual size would hold nothing.
  checkNumber(options.maxBytes, 'spool.maxBytes', 2 * TARGET_BYTES);
  checkNumber(options.maxAgeMillis, 'spool.maxAgeMillis', 1);
  if (options.writeAhead !== undefined && typeof options.writeAhead !== 'boolean') {
    throw badOption('spool.writeAhead', 'true or false', options.writeAhead);
  }
}

function prepareDirectory(directory: string): void {
  const probe = join(directory, `.probe-${OWNER}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    throw badOption('spool.directory', `a directory that can be written (${(error as Error).message})`, directory);
  }
}
