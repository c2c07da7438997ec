/** Made when it is needed: an import must not fail where there is none (Jest with jsdom). */
let encoder: TextEncoder | undefined;
let scratch: Uint8Array<ArrayBuffer> | undefined;
const SCRATCH_BYTES = 65_536;

/** The UTF-8 of a text, in parts of 64 KiB at most. A part is overwritten by the next one. */
export function eachEncodedPart(text: string, take: (bytes: Uint8Array) => void): void {
  scratch ??= new Uint8Array(SCRATCH_BYTES);
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + SCRATCH_BYTES, text.length);
    // The two halves of a character belong together.
    if (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end--;
    encoder ??= new TextEncoder();
    const { read, written } = encoder.encodeInto(text.slice(at, end), scratch);
    take(scratch.subarray(0, written));
    at += read;
  }
}

/** The UTF-8 of a text. */
export function encode(text: string): Uint8Array {
  encoder ??= new TextEncoder();
  return encoder.encode(text);
}

/** How many characters of a text fit into `maxBytes` of UTF-8, and how many bytes those are. No character is cut in two. */
export function measure(text: string, maxBytes: number): { characters: number; bytes: number } {
  scratch ??= new Uint8Array(SCRATCH_BYTES);
  let characters = 0;
  let bytes = 0;
  while (characters < text.length) {
    const room = maxBytes - bytes;
    const target = room < SCRATCH_BYTES ? scratch.subarray(0, Math.max(0, room)) : scratch;
    encoder ??= new TextEncoder();
    const { read, written } = encoder.encodeInto(characters === 0 ? text : text.slice(characters), target);
    if (read === 0) break;
    characters += read;
    bytes += written;
  }
  return { characters, bytes };
}

/** Node's, Bun's and Deno's own count, which makes no copy. */
const { Buffer: NodeBuffer } = globalThis as { Buffer?: { byteLength?(text: string): number } };

/** The size of a text in UTF-8, in bytes. */
export function byteLength(text: string): number {
  return NodeBuffer?.byteLength?.(text) ?? measure(text, Number.POSITIVE_INFINITY).bytes;
}
