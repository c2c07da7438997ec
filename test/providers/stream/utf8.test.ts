import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Utf8Decoder } from '../../../src/providers/stream/utf8.js';

function decode(chunks: Uint8Array[]): string {
  const decoder = new Utf8Decoder();
  return chunks.map((chunk) => decoder.decode(chunk)).join('') + decoder.end();
}

describe('UTF-8 in chunks', () => {
  it('decodes bytes of any kind, cut anywhere, as a TextDecoder decodes them at once', () => {
    const interesting = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc3,
      0xe2,
      0x82,
      0xac,
      0xed,
      0xa0,
      0xef,
      0xbb,
      0xf0,
      0x9f,
      0x98,
      0xff,
    );
    const chunks = fc.array(fc.array(interesting, { maxLength: 6 }).map((bytes) => Uint8Array.from(bytes)));
    fc.assert(
      fc.property(chunks, (chunks) => {
        const all = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
        assert.equal(decode(chunks), new TextDecoder().decode(all));
      }),
      { numRuns: 5000 },
    );
  });

  it('does not hold on to the buffer of a chunk, also of a Node Buffer', () => {
    for (const first of [Uint8Array.of(0xe2, 0x82), Buffer.of(0xe2, 0x82)]) {
      const decoder = new Utf8Decoder();
      decoder.decode(first);
      first.fill(0x41);
      assert.equal(decoder.decode(Uint8Array.of(0xac)), '€');
    }
  });

  it('gives out what is complete at once', () => {
    const decoder = new Utf8Decoder();
    const bytes = new TextEncoder().encode('a€b');
    assert.equal(decoder.decode(bytes.subarray(0, 3)), 'a');
    assert.equal(decoder.decode(bytes.subarray(3)), '€b');
  });

  it('leaves out a byte order mark at the beginning, and only there', () => {
    const bytes = new TextEncoder().encode('\ufeffa\ufeffb');
    assert.equal(decode([bytes]), 'a\ufeffb');
    assert.equal(decode(Array.from(bytes, (byte) => Uint8Array.of(byte))), 'a\ufeffb');
  });
});
