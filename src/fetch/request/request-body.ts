/**
 * Reads a body before it is sent that can be read only by waiting: that of a `Request`, which some clients pass (`@mistralai/mistralai`,
 * ky, axios with its fetch adapter, the AWS SDK's fetch handler), and a `Blob`. The model and the identity of a retry are only in there.
 *
 * Only a body in memory is read: a `Blob`, which is not used up, or a clone. A stream is not touched: `clone()` would tee it, and change
 * its back-pressure. Only workerd does not tell a stream of a known length from a body in memory: there, what is not read within a turn of the
 * event loop is left, and sent with its length as it would have been.
 */

import { sourceOf } from './body-source.js';
import { requestOf } from './read-once.js';
import { MAX_READ_BYTES } from './request.js';

/** The platform's own, which an application does not see called. */
const blobBytes = Blob.prototype.arrayBuffer;

/**
 * The bytes of the body that `fetch` takes of its arguments, if it has to be waited for, is in memory and may be text. `undefined` if it is
 * not, or if it is used up. For a string or bytes in a `Request`, it takes a few microtasks and no turn of the event loop.
 */
export function readBodyInMemory([input, init]: Parameters<typeof fetch>): Promise<Uint8Array | undefined> | undefined {
  const body = init?.body ?? undefined;
  if (body instanceof Blob) return mayBeText(body.type, body.size) ? bytesOf(body).catch(() => undefined) : undefined;
  // The init may be a `Request`, too: then its body is a stream, which only the `Request` can clone.
  const request = requestOf(body === undefined ? input : (init as Request));
  if (!request) return undefined;
  const { headers } = request;
  if (!mayBeText(headers.get('content-type') ?? '', Number(headers.get('content-length')))) return undefined;
  const source = sourceOf(request);
  if (source === 'stream') return undefined;
  const late = source === 'maybe memory' ? nextTurn() : undefined;
  return readBytes(request.clone().body as ReadableStream<Uint8Array>, late).catch(() => undefined);
}

/** Callers give JSON any type, or none. A form of parts is another text each time, because its boundary is made at random. */
function mayBeText(type: string, bytes: number): boolean {
  return !/^(?:multipart|audio|image|video|font)\//i.test(type) && !(bytes > MAX_READ_BYTES);
}

/** workerd reads a body in memory to its end, however long, before a timer runs. */
function nextTurn(): Promise<'late'> {
  return new Promise((resolve) => setTimeout(resolve, 0, 'late'));
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blobBytes.call(blob));
}

/** The bytes of a body; `undefined` if it is too long, or not there before it is `late`. */
async function readBytes(body: ReadableStream<Uint8Array>, late?: Promise<'late'>): Promise<Uint8Array | undefined> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  for (let length = 0; ; ) {
    const read = await (late ? Promise.race([reader.read(), late]) : reader.read());
    if (read !== 'late' && read.done) return joined(chunks, length);
    if (read !== 'late') length += read.value.byteLength;
    if (read === 'late' || length > MAX_READ_BYTES) {
      // This settles only when the other branch, which is sent, is cancelled too.
      reader.cancel().catch(() => {});
      return undefined;
    }
    chunks.push(read.value);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
