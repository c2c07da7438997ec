/** A TCP proxy that shows what a client sent: which protocol, and how many bytes. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy on a free port of 127.0.0.1. */
export interface Wire {
  readonly port: number;
  /** The bytes from the client so far, of all connections. */
  readonly byteCount: number;
  /** The first bytes of each connection: the head of its first HTTP/1 request, or the preface of HTTP/2. */
  readonly heads: readonly string[];
  close(): Promise<void>;
}

const HEAD_BYTES = 4096;

/** Forwards every connection to `port` of 127.0.0.1. */
export async function startWire(port: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  const heads: string[] = [];
  let byteCount = 0;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {
        client.destroy();
        upstream.destroy();
      });
      socket.on('close', () => sockets.delete(socket));
    }
    const index = heads.push('') - 1;
    client.on('data', (chunk) => {
      byteCount += chunk.length;
      heads[index] = (heads[index] + chunk.toString('latin1')).slice(0, HEAD_BYTES);
    });
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get byteCount() {
      return byteCount;
    },
    heads,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
