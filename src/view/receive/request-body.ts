import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';

/** The most bytes of a request, before and after decompression: as much as the OpenTelemetry Collector takes. */
const MAX_REQUEST_BYTES = 20 * 1024 * 1024;
/** The most bytes of all requests that are being read. */
const MAX_READING_BYTES = 2 * MAX_REQUEST_BYTES;
/** How long a request may take to arrive. */
const MAX_REQUEST_MILLIS = 30_000;

let readingBytes = 0;

/** A request that is answered with an HTTP error. The message is for a person, and quotes nothing of the request. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Reads the body of a request, gzip or plain.
 *
 * @throws RequestError (rejects) if it is too large, too slow, broken, or in another encoding.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity') {
    throw new RequestError(415, 'this content-encoding is not read; use gzip or none');
  }
  if (Number(request.headers['content-length']) > MAX_REQUEST_BYTES) throw tooLarge();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => request.destroy(new RequestError(408, 'the body did not arrive in time')),
      MAX_REQUEST_MILLIS,
    );
    const gunzip = encoding === 'gzip' ? createGunzip() : undefined;
    const body = gunzip ?? request;
    const parts: Buffer[] = [];
    let received = 0;
    let size = 0;
    let isOver = false;
    const end = (error?: Error) => {
      if (isOver) return;
      isOver = true;
      readingBytes -= size;
      clearTimeout(timer);
      request.off('data', receive);
      body.off('data', add);
      if (gunzip) request.unpipe(gunzip);
      gunzip?.destroy();
      if (error) reject(error);
      else resolve(Buffer.concat(parts, size));
      // What the client still sends is discarded: it reads the answer only when it has sent everything.
      if (error) request.resume();
    };
    const receive = (chunk: Buffer) => {
      received += chunk.length;
      if (received > MAX_REQUEST_BYTES) end(tooLarge());
    };
    const add = (chunk: Buffer) => {
      size += chunk.length;
      readingBytes += chunk.length;
      if (size > MAX_REQUEST_BYTES) end(tooLarge());
      else if (readingBytes > MAX_READING_BYTES) end(new RequestError(503, 'too much is arriving at once; try again'));
      else parts.push(chunk);
    };
    request.on('data', receive);
    body.on('data', add);
    body.on('end', () => end());
    request.on('error', (error) => end(error));
    request.on('close', () => request.complete || end(new RequestError(400, 'the body is cut off')));
    gunzip?.on('error', () => end(new RequestError(400, 'the body is no gzip, or is cut off')));
    if (gunzip) request.pipe(gunzip);
  });
}

function tooLarge(): RequestError {
  return new RequestError(
    413,
    `a request may have ${MAX_REQUEST_BYTES / 1024 / 1024} MiB, before and after decompression`,
  );
}
