import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { HANDSHAKE_HEADER, PROTOCOL, proofOf } from '../../live/protocol.js';
import type { SpanSnapshot } from '../../spans/progress/listener.js';
import type { Access } from '../access.js';
import type { RunStore } from '../store/run-store.js';
import { recordOfSnapshot } from './snapshot-record.js';
import type { SpanRecord } from './span-record.js';

/** A program that has shown nothing for this long is said to have lost contact. */
const LOST_CONTACT_MILLIS = 15_000;
const CHECK_MILLIS = 1000;
/** A longer line is skipped: the channel bounds what it sends. */
const LONGEST_LINE = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Takes a connection of the live channel: the handshake, then one JSON line a snapshot. Anything else is refused. */
export function acceptLive(request: IncomingMessage, socket: Duplex, access: Access, store: RunStore): void {
  socket.on('error', () => socket.destroy());
  const challenge = request.headers[HANDSHAKE_HEADER];
  const isLive = request.headers.upgrade === PROTOCOL && typeof challenge === 'string';
  if (!isLive || access.refusal(request.headers) !== undefined) {
    socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${PROTOCOL}\r\n${HANDSHAKE_HEADER}: ${proofOf(challenge)}\r\n\r\n`,
  );
  new LiveConnection(socket, store);
}

/** The connection of one program. */
class LiveConnection {
  readonly #store: RunStore;
  #lastSignAt = Date.now();
  #hasContact = true;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(socket: Duplex, store: RunStore) {
    this.#store = store;
    const timer = setInterval(() => this.#check(), CHECK_MILLIS).unref();
    socket.on('data', (chunk: Buffer) => {
      this.#signOfLife();
      this.#receive(chunk);
    });
    socket.on('end', () => socket.end());
    // Its runs lose contact when their time is over, and not before: the program may connect again.
    socket.on('close', () => {
      setTimeout(() => clearInterval(timer), LOST_CONTACT_MILLIS + 2 * CHECK_MILLIS).unref();
    });
  }

  #signOfLife(): void {
    this.#lastSignAt = Date.now();
    if (!this.#hasContact) this.#store.setContact(this, true);
    this.#hasContact = true;
  }

  #check(): void {
    if (!this.#hasContact || Date.now() - this.#lastSignAt < LOST_CONTACT_MILLIS) return;
    this.#hasContact = false;
    this.#store.setContact(this, false);
  }

  #receive(chunk: Buffer): void {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#append(chunk.subarray(start, end));
      if (this.#length <= LONGEST_LINE) lines.push(Buffer.concat(this.#parts));
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
    this.#append(chunk.subarray(start));
    const records = lines.flatMap((line) => readSnapshot(line) ?? []);
    if (records.length > 0) this.#store.add(records, this);
  }

  #append(part: Buffer): void {
    this.#length += part.length;
    if (this.#length <= LONGEST_LINE) this.#parts.push(part);
    else this.#parts = [];
  }
}

/** `undefined` for an empty line, which is a sign of life, and for one that is no snapshot. */
function readSnapshot(line: Buffer): SpanRecord | undefined {
  if (line.length === 0) return undefined;
  try {
    return recordOfSnapshot(JSON.parse(line.toString('utf8')) as SpanSnapshot);
  } catch {
    return undefined;
  }
}
