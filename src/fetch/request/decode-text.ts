import { builtinModule } from '../../util/builtin-module.js';

/** Node's own check. */
const isAscii = /* @__PURE__ */ builtinModule<{ isAscii?(bytes: Uint8Array): boolean }>('node:buffer')?.isAscii;
const { Buffer: NodeBuffer } = globalThis as {
  Buffer?: { from(buffer: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'latin1'): string } };
};

const decoder = /* @__PURE__ */ new TextDecoder();

/** Node keeps a longer text of bytes outside of V8's heap, where a copy takes a tenth of the time that decoding into the heap takes. */
const LONG = 1 << 20;

/** The text of bytes of UTF-8, without a byte order mark. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > LONG && NodeBuffer && isAscii?.(bytes))
    return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return decoder.decode(bytes);
}
