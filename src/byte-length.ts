const encoder = /* @__PURE__ */ new TextEncoder();

/** Node, Bun and Deno count without writing the bytes anywhere. */
const { Buffer } = globalThis as { Buffer?: { byteLength?(text: string): number } };

/** The size of a text in UTF-8, in bytes. */
export function byteLength(text: string): number {
  return Buffer?.byteLength?.(text) ?? encoder.encode(text).byteLength;
}
