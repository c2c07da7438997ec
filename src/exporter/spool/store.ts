import type { Clock } from '../clock.js';
import { isEncodable } from '../otlp/json.js';
import type { ReadableSpan } from '../otlp/span.js';
import { type Item, spansOf } from '../queue.js';
import { errorText } from '../sender/sender.js';
import { type SpoolFile, UnencodableError } from './file.js';
import type { SpoolOptions } from './options.js';
import { type OnLost, Spool, SpoolFullError } from './spool.js';

const SCAN_MILLIS = 60_000;
/** After an error the disk is left alone for this time. */
const PAUSE_MILLIS = 10_000;

export interface SpoolStoreCallbacks {
  /** Spans are on disk: they are no longer in memory only. */
  onSaved: (items: readonly Item[]) => void;
  /** Spans can't be written, and never will be. */
  onUnwritable: (items: readonly Item[]) => void;
  onFailure: (what: string) => void;
  onLost: OnLost;
  /** There may be something to send. */
  onScanned: () => void;
}

/** A destination's part that keeps on disk what can't be delivered now. After an error of the disk it pauses. */
export class SpoolStore {
  readonly #spool: Spool;
  readonly #clock: Clock;
  readonly #callbacks: SpoolStoreCallbacks;
  #pausedUntil = 0;
  /** The end of the last write. */
  #written: Promise<unknown> = Promise.resolve();
  #isClosing = false;
  #cancelScan: (() => void) | undefined;

  /** @throws TypeError if the directory can't be written. */
  constructor(options: SpoolOptions, clock: Clock, callbacks: SpoolStoreCallbacks) {
    this.#clock = clock;
    this.#callbacks = callbacks;
    this.#spool = new Spool(options, callbacks.onLost);
    this.#scan();
  }

  get isPaused(): boolean {
    return this.#clock.now() < this.#pausedUntil;
  }

  /** Whether there may be something to send. */
  get hasFiles(): boolean {
    return this.#spool.hasFiles;
  }

  /** Whether a batch fits, without a file having to leave. */
  get hasRoom(): boolean {
    return this.#spool.hasRoom;
  }

  /**
   * Writes what is not settled yet to disk. One write at a time, so that a shutdown that saves the same items a second time finds
   * them settled. With `mayEvict`, the oldest files leave where there is no room. Returns whether the items are settled now.
   */
  save(items: readonly Item[], mayEvict: boolean, isRefused = false): Promise<boolean> {
    const written = this.#written.then(() => this.#save(items, mayEvict, isRefused));
    this.#written = written;
    return written;
  }

  async #save(all: readonly Item[], mayEvict: boolean, isRefused: boolean): Promise<boolean> {
    const items = all.filter(({ isSettled }) => !isSettled);
    if (items.length === 0) return true;
    if (this.isPaused) return false;
    try {
      const file = await this.#spool.write(spansOf(items), { mayEvict });
      if (isRefused) this.#spool.setAside(file);
      this.#callbacks.onSaved(items);
      return true;
    } catch (error) {
      if (this.#hasDropped(items, error)) return this.#save(items, mayEvict, isRefused);
      // A full spool is no failure: there is the memory.
      if (!(error instanceof SpoolFullError)) this.#failed("the spool can't be written", error);
      return false;
    }
  }

  /** The same, for a process that has no time left. @throws if it fails. */
  saveSync(all: readonly Item[]): void {
    const items = all.filter(({ isSettled }) => !isSettled);
    if (items.length === 0) return;
    try {
      this.#spool.writeSync(spansOf(items));
      this.#callbacks.onSaved(items);
    } catch (error) {
      if (!this.#hasDropped(items, error)) throw error;
      this.saveSync(items);
    }
  }

  /** Whether the write failed for spans that can't be encoded, which are given up: they would keep the others from the disk. */
  #hasDropped(items: readonly Item[], error: unknown): boolean {
    if (!(error instanceof UnencodableError)) return false;
    const unwritable = items.filter(({ span }) => !isEncodable(span));
    if (unwritable.length > 0) this.#callbacks.onUnwritable(unwritable);
    return unwritable.length > 0;
  }

  /** The oldest file and its spans. The caller gives it back, or removes it. */
  async take(): Promise<{ file: SpoolFile; spans: ReadableSpan[] } | undefined> {
    let file: SpoolFile | undefined;
    try {
      file = await this.#spool.take();
      return file && { file, spans: await this.#spool.read(file) };
    } catch (error) {
      if (file) await this.#spool.release(file, true).catch(() => {});
      this.#failed("a file of the spool can't be read", error);
      return undefined;
    }
  }

  /** Gives a file back, with the spans of it that were not delivered, and those that were refused. */
  async giveBack(file: SpoolFile, left: readonly Item[], refused: readonly Item[]): Promise<void> {
    try {
      const untouched = [left, refused].find(({ length }) => length > 0 && this.#spool.holdsExactly(file, length));
      if (untouched) {
        await this.#spool.release(file, untouched === refused);
      } else {
        // Some of it is delivered, or torn off: only the rest may be sent again.
        const at = { atMillis: file.atMillis, mayEvict: true };
        if (left.length > 0) await this.#spool.write(spansOf(left), at);
        if (refused.length > 0) this.#spool.setAside(await this.#spool.write(spansOf(refused), at));
        await this.#spool.remove(file);
      }
    } catch (error) {
      this.#failed("the spool can't be written", error);
      await this.#spool.release(file).catch(() => {});
    }
  }

  /** Ends a pause: there will be no other time to try. */
  endPause(): void {
    this.#pausedUntil = 0;
  }

  stopScanning(): void {
    this.#isClosing = true;
    this.#cancelScan?.();
  }

  /** Gives back every file that is being sent. */
  async close(): Promise<void> {
    await this.#spool.close();
  }

  #failed(what: string, error: unknown): void {
    this.#callbacks.onFailure(`${what}: ${diskError(error)}`);
    this.#pausedUntil = this.#clock.now() + PAUSE_MILLIS;
  }

  #scan(): void {
    const scanned = this.#spool.scan().catch((error) => this.#failed("the spool can't be read", error));
    void scanned.then(() => {
      if (this.#isClosing) return;
      this.#callbacks.onScanned();
      this.#cancelScan = this.#clock.after(SCAN_MILLIS, () => this.#scan());
    });
  }
}

const DISK_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
};

/** What is wrong with the disk, in words. */
function diskError(error: unknown): string {
  const words = DISK_ERRORS[(error as NodeJS.ErrnoException)?.code ?? ''];
  return words ? `${words} (${errorText(error)})` : errorText(error);
}
