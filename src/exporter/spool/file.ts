import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { encodeRequest } from '../otlp/json.js';
import { decodeRequest } from '../otlp/json-reader.js';
import type { ReadableSpan } from '../otlp/span.js';
import type { Admits } from './directory.js';

/*
 * A file of the spool is one request as OTLP JSON. It goes through names, and each change of name is atomic:
 *
 *   BASE.jsonl.writing-OWNER → BASE.jsonl (any process may take it) → BASE.jsonl.sending-OWNER → gone, or BASE.jsonl again
 *
 * with BASE = MILLIS-SPANS-BYTES-RANDOM and OWNER = HOST-PID-RANDOM. What a dead process owned is taken over by others.
 * SPANS and BYTES are shown by `ls`, and never trusted: any user with write access can give a file any name.
 */
const FORM = /^((\d{13})-\d+-\d+-[0-9a-f]{12})\.jsonl(?:\.(?:writing|sending)-(.+)-(\d+)-([0-9a-f]{12}))?$/;
export const HOST = hostname().replace(/[^\w.]/g, '_') || 'host';
export const PROCESS = randomBytes(6).toString('hex');
export const OWNER = `${HOST}-${process.pid}-${PROCESS}`;

/** Larger than any file that runtrace writes: a request of one span, uncut. */
const MOST_FILE_BYTES = 256 * 1024 * 1024;

/** Spans on disk. */
export interface SpoolFile {
  readonly base: string;
  readonly atMillis: number;
  /** From the file, not from its name. */
  readonly bytes: number;
}

export interface FileName {
  base: string;
  atMillis: number;
  /** The process that writes or sends the file; absent if any may take it. */
  owner: { host: string; pid: number; process: string } | undefined;
}

export function parseFileName(name: string): FileName | undefined {
  const match = FORM.exec(name);
  if (!match) return undefined;
  const [, base = '', atMillis, host, pid, process] = match;
  return {
    base,
    // A time to come would keep the file for ever.
    atMillis: Math.min(Date.now(), Number(atMillis)),
    owner: host && process ? { host, pid: Number(pid), process } : undefined,
  };
}

/** One of the spans can't be encoded. */
export class UnencodableError extends Error {}

/** @throws UnencodableError */
export function compose(spans: readonly ReadableSpan[], atMillis = Date.now()): { file: SpoolFile; content: Buffer } {
  const content = Buffer.from(`${encode(spans)}\n`);
  const base = `${atMillis}-${spans.length}-${content.length}-${randomBytes(6).toString('hex')}`;
  return { content, file: { base, atMillis, bytes: content.length } };
}

function encode(spans: readonly ReadableSpan[]): string {
  try {
    return encodeRequest(spans);
  } catch (cause) {
    throw new UnencodableError("spans can't be encoded", { cause });
  }
}

/**
 * The content of a file that is still a regular one when it is open. A FIFO does not block, and a link is not followed. What is appended
 * meanwhile is not read: another process may append for ever.
 */
export async function readRegular(path: string, admits: Admits): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!admits({ isFile: () => stats.isFile(), nlink: stats.nlink, uid: stats.uid })) {
      throw new Error('it is not a file of this spool');
    }
    if (stats.size > MOST_FILE_BYTES)
      throw new Error(`it has ${stats.size} bytes, more than a file of the spool may have`);
    const content = Buffer.allocUnsafe(stats.size);
    let length = 0;
    while (length < content.length) {
      const { bytesRead } = await file.read(content, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return content.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** The spans of a file, and how many were torn off, as far as its end can tell. */
export function decodeFile(content: Buffer): { spans: ReadableSpan[]; torn: number } {
  const spans: ReadableSpan[] = [];
  let torn = 0;
  for (const line of content.toString('utf8').split('\n')) {
    if (line === '') continue;
    try {
      for (const span of decodeRequest(line)) spans.push(span);
    } catch {
      torn += Math.max(1, countSpans(Buffer.from(line)));
    }
  }
  return { spans, torn };
}

/** A key that each span has once, and nothing else has. Inside of a string its quotes would be escaped. */
const SPAN_KEY = '"startTimeUnixNano":';

/** How many spans a file holds, without parsing it. */
export function countSpans(content: Buffer): number {
  let count = 0;
  for (let at = content.indexOf(SPAN_KEY); at >= 0; at = content.indexOf(SPAN_KEY, at + SPAN_KEY.length)) count++;
  return count;
}
