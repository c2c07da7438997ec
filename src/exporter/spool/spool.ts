import { renameSync, writeFileSync } from 'node:fs';
import { lutimes, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TARGET_BYTES } from '../backoff.js';
import type { ReadableSpan } from '../otlp/span.js';
import { type Admits, inspect, prepareDirectory, removalOf } from './directory.js';
import {
  compose,
  countSpans,
  decodeFile,
  type FileName,
  HOST,
  OWNER,
  PROCESS,
  parseFileName,
  readRegular,
  type SpoolFile,
} from './file.js';
import type { SpoolOptions } from './options.js';

/** Called with what left the spool without having been delivered. */
export type OnLost = (why: string, spans: number, bytes: number) => void;

/** There is no room, and no file may leave. */
export class SpoolFullError extends Error {}

const RESCAN_MILLIS = 10_000;
/** After that long, a file of a process on another machine counts as abandoned. */
const ABANDONED_MILLIS = 10 * 60_000;
/** What was refused is offered again after that long: a credential may have been renewed. */
const ASIDE_MILLIS = 60 * 60_000;

/**
 * OTLP JSON files in a directory, for what can't be delivered now. Only the owner can read them.
 *
 * Survives `kill -9` at any moment: the next process finds a file that was being written, and keeps what is whole in it. A
 * file that was being sent is sent again, so a crash may deliver twice, never not at all. Nothing is fsynced: a power cut may
 * lose the last seconds.
 *
 * The directory may be shared, with processes that are not trusted: only regular files are used, and what they hold counts,
 * not what their names say.
 */
export class Spool {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #maxAgeMillis: number;
  readonly #onLost: OnLost;
  readonly #admits: Admits;
  readonly #isDirectoryGone: () => boolean;
  /** Files that any process may take, as far as is known, oldest first. */
  #free: SpoolFile[] = [];
  readonly #mine = new Set<SpoolFile>();
  readonly #aside = new Map<string, number>();
  /** How many spans a file had when it was written, or read, if it was whole. */
  readonly #wholeCounts = new WeakMap<SpoolFile, number>();
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
    this.#admits = prepareDirectory(this.#directory);
    this.#isDirectoryGone = removalOf(this.#directory);
  }

  /** Whether there may be something to send. */
  get hasFiles(): boolean {
    return this.#free.some(({ base }) => !this.#aside.has(base));
  }

  /** Whether a file of the usual size fits. */
  get hasRoom(): boolean {
    return this.#bytes + TARGET_BYTES <= this.#maxBytes;
  }

  /** Looks for free files, and those of processes that have ended. Removes what is too old. */
  async scan(): Promise<void> {
    const found = new Map<string, SpoolFile>();
    let bytes = 0;
    this.#scannedAt = Date.now();
    for (const name of (await readdir(this.#directory)).sort()) {
      const parsed = parseFileName(name);
      const stats = parsed && (await inspect(join(this.#directory, name), this.#admits));
      if (!parsed || !stats) continue;
      const file = { base: parsed.base, atMillis: parsed.atMillis, bytes: stats.size };
      bytes += file.bytes;
      const isFree = !parsed.owner || (await this.#takeOver(name, parsed, stats.mtimeMs));
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
   * Writes spans to disk, for any process to send. With `mayEvict`, the oldest files leave if there is no room.
   *
   * @throws SpoolFullError if there is no room; what the disk throws. Then nothing of the spans is on disk.
   */
  async write(
    spans: readonly ReadableSpan[],
    { atMillis, mayEvict = true }: { atMillis?: number; mayEvict?: boolean } = {},
  ): Promise<SpoolFile> {
    const { file, content } = compose(spans, atMillis);
    await this.#makeRoom(file.bytes, mayEvict);
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
    this.#wholeCounts.set(file, spans.length);
    return file;
  }

  /** The same, for a process that has no time left. */
  writeSync(spans: readonly ReadableSpan[]): void {
    const { file, content } = compose(spans);
    if (this.#bytes + file.bytes > this.#maxBytes) throw new SpoolFullError('the spool is full');
    const writing = this.#path(file, 'writing');
    writeFileSync(writing, content, { mode: 0o600, flag: 'wx' });
    renameSync(writing, this.#path(file));
    this.#bytes += file.bytes;
  }

  /** Takes the oldest file, so that no other process does. The caller must `release` or `remove` it. */
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
        if (!(await inspect(free, this.#admits))) {
          this.#bytes -= file.bytes;
          this.#lostWithDirectory(file);
          continue;
        }
        // The age of a file on another machine is the only sign that its owner has ended.
        await lutimes(free, new Date(), new Date());
        await rename(free, this.#path(file, 'sending'));
        this.#mine.add(file);
        if (!this.#isClosed) return file;
        await this.release(file);
        return undefined;
      } catch (error) {
        this.#bytes -= file.bytes;
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // ENOENT: another process was faster.
      }
    }
  }

  /** The spans of a file that was taken. A line that was torn off is reported as lost. */
  async read(file: SpoolFile): Promise<ReadableSpan[]> {
    const content = await readRegular(this.#path(file, 'sending'), this.#admits);
    const { spans, torn } = decodeFile(content);
    if (torn > 0) {
      this.#onLost(
        'the end of their file was torn off',
        torn,
        Math.round((content.length * torn) / (spans.length + torn)),
      );
    } else {
      this.#wholeCounts.set(file, spans.length);
    }
    return spans;
  }

  /** Whether so many spans are all that the file holds. */
  holdsExactly(file: SpoolFile, spanCount: number): boolean {
    return this.#wholeCounts.get(file) === spanCount;
  }

  /** Gives a file back, to be sent later; `isRefused` keeps it from this process for an hour. */
  async release(file: SpoolFile, isRefused = false): Promise<void> {
    if (!this.#mine.delete(file)) return;
    if (isRefused) this.setAside(file);
    try {
      await rename(this.#path(file, 'sending'), this.#path(file));
    } catch (error) {
      this.#lostWithDirectory(file);
      throw error;
    }
    this.#free.push(file);
  }

  /** Removes a file whose spans are delivered, or in another file. */
  async remove(file: SpoolFile): Promise<void> {
    if (!this.#mine.delete(file)) return;
    this.#bytes -= file.bytes;
    await rm(this.#path(file, 'sending'), { force: true });
  }

  /** Keeps a file that the endpoint refused from this process for an hour. */
  setAside(file: SpoolFile): void {
    this.#aside.set(file.base, Date.now() + ASIDE_MILLIS);
  }

  /** Gives back everything, also what is just being taken. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#taking);
    for (const file of this.#mine) await this.release(file).catch(() => {});
    for (const file of this.#free) this.#lostWithDirectory(file);
  }

  /** A file that is not there any more may have been sent by another process, but not if the whole directory has been removed. */
  #lostWithDirectory(file: SpoolFile): void {
    const spans = this.#wholeCounts.get(file);
    if (spans === undefined || !this.#isDirectoryGone()) return;
    this.#wholeCounts.delete(file);
    this.#onLost('the directory of the spool was removed', spans, file.bytes);
  }

  async #makeRoom(bytes: number, mayEvict: boolean): Promise<void> {
    if (bytes > this.#maxBytes) throw new SpoolFullError(`${bytes} bytes are more than the whole spool may hold`);
    // Other processes fill the directory too.
    if (this.#bytes + bytes > this.#maxBytes || Date.now() - this.#scannedAt > RESCAN_MILLIS) await this.scan();
    if (this.#bytes + bytes <= this.#maxBytes) return;
    if (!mayEvict) throw new SpoolFullError('the spool is full');
    this.#free.sort((a, b) => a.atMillis - b.atMillis);
    while (this.#bytes + bytes > this.#maxBytes) {
      const oldest = this.#free.shift();
      if (!oldest) throw new SpoolFullError('the spool is full of files that are being sent');
      this.#bytes -= oldest.bytes;
      await this.#discard(oldest, 'the spool was full');
    }
  }

  async #discard(file: SpoolFile, why: string): Promise<void> {
    try {
      const path = this.#path(file);
      const content = await readRegular(path, this.#admits);
      await rm(path);
      this.#onLost(why, countSpans(content), content.length);
    } catch {
      // Another process has taken it, or discarded and counted it.
    }
  }

  /** Frees a file whose owner has ended. */
  async #takeOver(name: string, { base, owner }: FileName, mtimeMs: number): Promise<boolean> {
    if (!owner || owner.process === PROCESS) return false;
    const isOtherProcessHere = owner.host === HOST && owner.pid !== process.pid;
    const limit = owner.host === HOST ? longestOfOurs() : ABANDONED_MILLIS;
    const isAbandoned = isOtherProcessHere ? !isAlive(owner.pid) : Date.now() - mtimeMs > limit;
    if (!isAbandoned) return false;
    try {
      await rename(join(this.#directory, name), join(this.#directory, `${base}.jsonl`));
      return true;
    } catch {
      return false; // Another process was faster.
    }
  }

  #path(file: SpoolFile, state?: 'writing' | 'sending'): string {
    return join(this.#directory, `${file.base}.jsonl${state ? `.${state}-${OWNER}` : ''}`);
  }
}

/**
 * How long ago a file with our process's number may have been touched and still be in use: by another thread. What is older
 * than our process belonged to one that had the number before: in a container every process is number 1.
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
