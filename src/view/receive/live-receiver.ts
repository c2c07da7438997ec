import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { HANDSHAKE_HEADER, HEARTBEAT_MILLIS, PROTOCOL, proofOf } from '../../live/protocol.js';
import type { SpanSnapshot } from '../../spans/progress/listener.js';
import type { Access } from '../access.js';
import type { RunStore } from '../store/run-store.js';
import { recordOfSnapshot } from './snapshot-record.js';

/** A program that has shown nothing for this long is said to have lost contact. */
const LOST_CONTACT_MILLIS = 15_000;
/** A longer line is skipped: the channel bounds what it sends. */
const LONGEST_LINE = 4 * 1024 * 1024;

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

/** The runs that one program shows. */
class LiveConnection {
  readonly #store: RunStore;
  /** The traces that it has spans in progress in. */
  readonly #open = new Map<string, Set<string>>();
  #lastSignAt = Date.now();
  #hasContact = true;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(socket: Duplex, store: RunStore) {
    this.#store = store;
    const check = setInterval(() => this.#check(), HEARTBEAT_MILLIS / 5);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      // Once more, when the time is over. A timer that waited for the interval would wait for ever.
      clearInterval(check);
      setTimeout(() => this.#check(), LOST_CONTACT_MILLIS + this.#lastSignAt - Date.now()).unref();
    });
  }

  #check(): void {
    if (this.#hasContact && Date.now() - this.#lastSignAt >= LOST_CONTACT_MILLIS) {
      this.#hasContact = false;
      this.#store.setLostContact(this.#open.keys(), true);
    }
  }

  #receive(chunk: Buffer): void {
    this.#lastSignAt = Date.now();
    if (!this.#hasContact) {
      this.#hasContact = true;
      this.#store.setLostContact(this.#open.keys(), false);
    }
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#append(chunk.subarray(start, end));
      if (this.#length <= LONGEST_LINE) lines.push(Buffer.concat(this.#parts));
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
    this.#append(chunk.subarray(start));
    const records = lines.flatMap((line) => this.#read(line) ?? []);
    if (records.length > 0) this.#store.add(records);
  }

  #append(part: Buffer): void {
    this.#length += part.length;
    if (this.#length <= LONGEST_LINE) this.#parts.push(part);
    else this.#parts = [];
  }

  #read(line: Buffer) {
    // An empty line is a sign of life.
    if (line.length === 0) return undefined;
    try {
      const record = recordOfSnapshot(JSON.parse(line.toString('utf8')) as SpanSnapshot);
      const open = this.#open.get(record.traceId) ?? new Set();
      if (record.endMillis === undefined) this.#open.set(record.traceId, open.add(record.spanId));
      else if (open.delete(record.spanId) && open.size === 0) this.#open.delete(record.traceId);
      return record;
    } catch {
      return undefined;
    }
  }
}
