import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { outsideContext, untraced } from '../otel/root-context.js';
import { unref } from '../otel/unref.js';
import { builtinModule } from '../util/platform.js';
import { HANDSHAKE_HEADER, HEARTBEAT_MILLIS, PROTOCOL, proofOf } from './protocol.js';

type Http = typeof import('node:http');

const RECONNECT_MILLIS = 5000;
/** A viewer that takes nothing for this long is left: what is being written keeps the process alive, also on a socket that does not. */
const STALLED_MILLIS = 2000;
/** While more than this waits to be sent, nothing is added. */
const MOST_WAITING_BYTES = 1024 * 1024;

/**
 * - `connecting`: the first handshake goes on.
 * - `open`: a viewer takes lines.
 * - `away`: no viewer has answered, or it has gone.
 */
export type ConnectionState = 'connecting' | 'open' | 'away';

/** The connection to a viewer. It is opened again when it is lost. It does not keep the process alive. */
export class Connection {
  readonly #url: URL;
  readonly #changed: (state: ConnectionState) => void;
  #state: ConnectionState = 'connecting';
  #socket: Socket | undefined;

  /** `changed` is called with each new state. */
  constructor(url: URL, changed: (state: ConnectionState) => void) {
    this.#url = url;
    this.#changed = changed;
    outsideContext(() => {
      this.#open();
      unref(setInterval(() => this.#socket?.write('\n'), HEARTBEAT_MILLIS));
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether something may be sent now. */
  get isReady(): boolean {
    return this.#socket !== undefined && this.#socket.writableLength < MOST_WAITING_BYTES;
  }

  /** Sends lines, if there is a connection. */
  send(lines: readonly string[]): void {
    if (lines.length > 0) this.#socket?.write(`${lines.join('\n')}\n`);
  }

  #open(): void {
    // Looked up when it is used, so that bundlers for other platforms find no import.
    const http = builtinModule<Http>('node:http');
    if (!http) {
      this.#become('away');
      return;
    }
    // At each request: a program may register its context manager and its instrumentations after the first one.
    untraced(() => this.#request(http));
  }

  #request(http: Http): void {
    const challenge = crypto.randomUUID();
    const request = http.request(this.#url, {
      agent: new http.Agent(),
      headers: { connection: 'Upgrade', upgrade: PROTOCOL, [HANDSHAKE_HEADER]: challenge },
    });
    request.on('socket', (socket) => socket.unref());
    request.on('upgrade', (response: IncomingMessage, socket: Socket) => {
      if (response.headers[HANDSHAKE_HEADER] === proofOf(challenge)) this.#use(socket);
      else {
        socket.destroy();
        this.#become('away');
      }
    });
    // A server that is no viewer. It is not asked again.
    request.on('response', () => {
      request.destroy();
      this.#become('away');
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      this.#become('away');
      if (error.code === 'ECONNREFUSED') this.#openLater();
    });
    request.end();
  }

  #use(socket: Socket): void {
    socket.unref();
    socket.on('error', () => socket.destroy());
    socket.setTimeout(STALLED_MILLIS, () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    socket.on('close', () => {
      this.#socket = undefined;
      this.#become('away');
      this.#openLater();
    });
    this.#socket = socket;
    this.#become('open');
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#changed(state);
  }

  #openLater(): void {
    unref(setTimeout(() => this.#open(), RECONNECT_MILLIS));
  }
}
