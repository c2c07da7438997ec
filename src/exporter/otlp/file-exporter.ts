import { appendFileSync, closeSync, fchmodSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { diag } from '@opentelemetry/api';
import { report } from '../../util/diagnostics.js';
import { badOption, requireOptions, requireString } from '../../util/validation.js';
import { encodeRequest, isEncodable } from './json.js';
import { type ExportResult, FAILED, type ReadableSpan, type SpanExporter, SUCCESS } from './span.js';

const LINE_FEED = 0x0a;

/** The options of an {@link OTLPFileExporter}. */
export interface OTLPFileExporterOptions {
  /** The file. It is made if it isn't there, and its directory too. Requests are appended. */
  path: string;
}

/**
 * Writes spans to a file as OTLP JSON, one request a line: what the collector's `otlpjsonfile` receiver, Jaeger's upload
 * and `runtrace show` read. Spans may hold prompts, so only the owner may read the file (mode 0600).
 *
 * Errors go to the callback and once to `diag`; nothing is thrown.
 *
 * @throws TypeError when made, if `path` is missing or can't be written.
 * @example new BatchSpanProcessor(new OTLPFileExporter({ path: 'traces.jsonl' }))
 */
export class OTLPFileExporter implements SpanExporter {
  readonly #path: string;
  #file: Promise<FileHandle> | undefined;
  /** Ends with the last write: lines must not mix. */
  #written: Promise<void> = Promise.resolve();
  #isShutDown = false;
  #isBroken = false;

  constructor(options: OTLPFileExporterOptions) {
    requireOptions(options, 'options', ['path']);
    requireString(options.path, 'path');
    this.#path = resolve(options.path);
    prepareFile(this.#path);
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    if (this.#isShutDown) {
      resultCallback({ code: FAILED, error: new Error('OTLPFileExporter is shut down') });
      return;
    }
    this.#written = this.#written.then(() => this.#write(spans)).then(resultCallback);
  }

  /**
   * Writes spans before it returns: `RuntraceSpanProcessor` does so where the process crashes, or ends without a shutdown.
   *
   * @throws if the file can't be written.
   */
  exportSync(spans: ReadableSpan[]): void {
    const file = openSync(this.#path, 'a+', 0o600);
    try {
      appendFileSync(file, `${isTorn(file) ? '\n' : ''}${encodeWritable(spans)}\n`);
    } finally {
      closeSync(file);
    }
  }

  async forceFlush(): Promise<void> {
    await this.#written;
  }

  async shutdown(): Promise<void> {
    this.#isShutDown = true;
    await this.#written;
    await this.#close();
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.then((handle) => handle.close()).catch(() => {});
  }

  async #write(spans: readonly ReadableSpan[]): Promise<ExportResult> {
    try {
      this.#file ??= openForLines(this.#path);
      await (await this.#file).appendFile(`${encodeWritable(spans)}\n`);
      this.#isBroken = false;
      return { code: SUCCESS };
    } catch (cause) {
      await this.#close();
      const error = new Error(`cannot write ${spans.length} spans to ${this.#path}`, { cause });
      if (!this.#isBroken) diag.warn(`OTLPFileExporter: ${error.message}`, cause);
      this.#isBroken = true;
      return { code: FAILED, error };
    }
  }
}

/** One request with the spans that can be encoded. Another would cost the whole batch, again and again. */
function encodeWritable(spans: readonly ReadableSpan[]): string {
  try {
    return encodeRequest(spans);
  } catch (error) {
    report('a span that could not be encoded was not written to its file', error);
    return encodeRequest(spans.filter(isEncodable));
  }
}

/** Whether the last line of a file has no end: a full disk or a killed process tore it off. The next one would be part of it. */
function isTorn(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== LINE_FEED;
}

async function openForLines(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+', 0o600);
  try {
    if (isTorn(file.fd)) await file.appendFile('\n');
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Makes the file at once, so that a wrong path is an error at start. Only the owner can read it, even if it was there before with another mode. */
function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, 'a', 0o600);
    fchmodSync(file, 0o600);
    closeSync(file);
  } catch (error) {
    throw badOption('path', `a file that can be written (${(error as Error).message})`, path);
  }
}
