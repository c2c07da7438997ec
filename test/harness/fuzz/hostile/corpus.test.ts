/** Plays the kept corpus of `npm run fuzz:hostile`, and random inputs between its files. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TARGETS } from './targets.js';

const CORPUS = 'test/harness/fuzz/corpus';

for (const [name, target] of Object.entries(TARGETS)) {
  describe(`what reads ${name}`, () => {
    const files = readdirSync(join(CORPUS, name)).map((file) => readFileSync(join(CORPUS, name, file)));

    test('keeps its promises for the kept corpus', () => {
      assert.ok(files.length > 0);
      for (const file of files) target(file);
    });

    test('keeps its promises for parts of the corpus that are joined, with random bytes between them', () => {
      const part = fc.tuple(fc.constantFrom(...files), fc.nat(), fc.nat()).map(([file, from, length]) => {
        const start = from % (file.length + 1);
        return file.subarray(start, start + (length % (file.length + 1)));
      });
      const input = fc.array(fc.oneof(part, fc.uint8Array({ maxLength: 8 })), { maxLength: 6 });
      fc.assert(
        fc.property(input, (parts) => target(Buffer.concat(parts))),
        { numRuns: 300 },
      );
    });
  });
}
